"""One worker: an event loop that serves the application on listening sockets and stops in order."""

import asyncio
import gc
import select
import signal
import socket
import sys
import threading
import time
from asyncio import AbstractEventLoop, AbstractServer, Event, Task
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ostiary.server import channel as talk
from ostiary.server.http.connections import Connections
from ostiary.server.lifespan import Lifespan
from ostiary.server.options import Build, Process
from ostiary.server.signals import HANDLED_SIGNALS, RENEW_SIGNALS, STOP_SIGNALS, Asked
from ostiary.server.sockets import BACKLOG

log = structlog.stdlib.get_logger(__name__)

STARTUP_FAILED = 3
"""Exit code of a worker whose application could not start."""
CANCEL_SECONDS = 2.0
"""Seconds for cancelled requests to end."""
SHUTDOWN_SECONDS = 2.0
"""Seconds for the application to close its resources."""
BEAT_SECONDS = 1.0
"""Maximum seconds between two heartbeats."""
KILL_SECONDS = 4.5
"""Seconds after the drain until a worker that still runs is killed; more than CANCEL_SECONDS + SHUTDOWN_SECONDS."""


@dataclass(frozen=True)
class Seat:
    """What a worker gets from its supervisor. Listener `number` of `listeners` is its own.

    channel: leads to the supervisor; None if there is no supervisor.
    """

    listeners: list[socket.socket]
    number: int
    channel: socket.socket | None = None


def work(build: Build, how: Process, seat: Seat, asked: Asked, on_ready: Callable[[], None]) -> int:
    """Build the application and serve it until asked to stop; return the exit code: 0, or STARTUP_FAILED."""
    app = build()

    async def main() -> int:
        code = await _Worker(app, how, seat, asked, on_ready).run()
        if seat.channel is not None:  # the work is done, and closing the loop removes the signal handlers
            signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED_SIGNALS)
        return code

    if seat.channel is not None:
        outlived = (seat.channel.fileno(), how.drain + KILL_SECONDS)
        threading.Thread(target=_end_without_supervisor, args=outlived, name="supervisor watch", daemon=True).start()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main())


class _Worker:
    """Serves `app` on a running loop."""

    def __init__(self, app: Any, how: Process, seat: Seat, asked: Asked, on_ready: Callable[[], None]) -> None:
        self._how = how
        self._seat = seat
        self._asked = asked
        self._on_ready = on_ready
        self._loop = asyncio.get_running_loop()
        self._lifespan = Lifespan(app)
        self._connections = Connections(app, how.limits)
        self._servers: dict[int, AbstractServer] = {}
        self._tasks: set[Task[None]] = set()
        self._leave = Event()  # accept nothing more
        self._stop = Event()  # ... and close idle connections at once
        self._hurry = Event()  # ... and do not wait for requests

    async def run(self) -> int:
        """Serve until asked to stop; return the exit code."""
        self._obey_signals()
        if self._seat.channel is not None:
            self._loop.add_reader(self._seat.channel, self._hear, self._seat.channel)
        self._beat()
        started = await self._start()
        if started and not self._leave.is_set():
            # The objects of the start stay alive, so later collections only need to examine the objects of requests.
            gc.collect()
            gc.freeze()
            await self._accept(self._seat.number)
            self._tell(talk.READY)
            self._on_ready()
            await self._leave.wait()
        if not started:
            return 0 if self._leave.is_set() else STARTUP_FAILED
        await self._end()
        return 0

    async def _start(self) -> bool:
        """Start the application; return whether it has started. A stop waits for this no longer than for requests."""
        starting = asyncio.create_task(self._lifespan.startup())
        if not await _first(starting, self._leave) and not await _first(starting, self._hurry, self._how.drain):
            starting.cancel()
            self._lifespan.abandon()
            return False
        return starting.result()

    async def _accept(self, number: int) -> None:
        listener = self._seat.listeners[number].dup()
        self._servers[number] = await self._loop.create_server(
            self._connections.protocol, sock=listener, backlog=BACKLOG
        )

    async def _end(self) -> None:
        """Stop in order: connections, requests, application."""
        self._tell(talk.LEAVING)
        if self._stop.is_set():  # no other worker will serve connections in the backlog: accept them before closing
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for server in self._servers.values():
            server.close()
        for listener in self._seat.listeners:
            listener.close()
        drained = asyncio.create_task(self._connections.drained())
        if not self._stop.is_set():
            gentle = self._how.gentle_seconds
            self._connections.begin_stop(gentle)
            await _first(drained, self._stop, gentle + self._how.drain)
        if self._stop.is_set():
            self._connections.begin_stop()
            await _first(drained, self._hurry, self._how.drain)
        if not drained.done():
            log.warning("requests did not end in time and are cancelled", seconds=self._how.drain)
            self._connections.cancel()
            await asyncio.wait([drained], timeout=CANCEL_SECONDS)
        try:
            await asyncio.wait_for(self._lifespan.shutdown(), SHUTDOWN_SECONDS)
        except TimeoutError:
            log.error("the application did not stop in time", seconds=SHUTDOWN_SECONDS)
            self._lifespan.abandon()

    def _obey_signals(self) -> None:
        """Handle signals: stop gently if other workers stay, and at once if this is the only process."""
        supervised = self._seat.channel is not None
        leave = self._leave.set if supervised else self._stop_now
        try:
            for name in STOP_SIGNALS:
                self._loop.add_signal_handler(name, leave)
            for name in RENEW_SIGNALS:
                self._loop.add_signal_handler(name, leave if supervised else _pass)
        except NotImplementedError:  # Windows
            for name in STOP_SIGNALS:
                signal.signal(name, lambda *_: self._loop.call_soon_threadsafe(leave))
        if self._asked.stop:  # before the loop ran
            leave()

    def _stop_now(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()
        self._leave.set()

    def _hear(self, channel: socket.socket) -> None:
        """Execute the supervisor's orders. If the supervisor is gone, stop."""
        message = talk.receive(channel)
        if message is None:
            self._loop.remove_reader(channel)
            message = talk.STOP
        for place in range(0, len(message), 2):
            order, number = message[place : place + 1], message[place + 1]
            if order == talk.COVER:
                self._cover(number)
            elif order == talk.UNCOVER:
                server = self._servers.pop(number, None)
                if server is not None:
                    server.close()
            else:
                self._leave.set()
                if order != talk.RENEW[:1]:
                    self._stop.set()
                if order == talk.HURRY[:1]:
                    self._hurry.set()

    def _cover(self, number: int) -> None:
        if number not in self._servers and not self._leave.is_set():
            task = asyncio.create_task(self._accept(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _beat(self) -> None:
        self._tell(talk.BEAT)
        self._loop.call_later(min(BEAT_SECONDS, self._how.heartbeat_seconds / 4), self._beat)

    def _tell(self, message: bytes) -> None:
        if self._seat.channel is not None:
            talk.send(self._seat.channel, message)


async def _first(task: Task[Any], event: Event, timeout: float | None = None) -> bool:
    """Wait for `task` until `event` is set or `timeout` seconds have passed; return whether the task is done."""
    asked = asyncio.create_task(event.wait())
    try:
        await asyncio.wait([task, asked], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
    return task.done()


def _end_without_supervisor(channel: int, seconds: float) -> None:
    """Kill this process `seconds` after its supervisor is gone, in case its loop hangs and does not stop in order."""
    poll = select.poll()
    poll.register(channel, 0)  # only the end of the other side
    poll.poll()
    time.sleep(seconds)
    signal.raise_signal(signal.SIGKILL)


def _pass() -> None:
    """Do nothing."""


def loop_factory() -> Callable[[], AbstractEventLoop]:
    """Return the factory for a worker's event loop: uvloop's if it is available."""
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415 - not on Windows

    return uvloop.new_event_loop
