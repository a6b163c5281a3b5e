"""Worker processes: uvicorn in each, a supervisor above them when there is more than one."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

import structlog
import uvicorn

from api.server.protocol import BoundedHttp
from api.server.sockets import BACKLOG, listen

log = structlog.stdlib.get_logger(__name__)

Build = Callable[[], Any]
"""Makes the ASGI application, in the process that serves it."""

KEEP_ALIVE = 65
"""Seconds that an idle connection is kept: longer than the usual proxy's 60, so that the proxy closes first."""
QUICK_DEATH = 2.0
"""A worker that dies within so many seconds of its start is not simply started again."""
STARTUP_FAILED = 3
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Process:
    """How to serve.

    drain: seconds that requests in flight get at shutdown. trusted_proxies: whose X-Forwarded-* headers count.
    """

    host: str
    port: int
    workers: int
    drain: int
    trusted_proxies: str = ""


def serve(build: Build, how: Process, on_ready: Callable[[int], None]) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code; `on_ready` gets the port once every worker answers.

    Raises CannotListen.
    """
    listeners = listen(how.host, how.port, how.workers)
    port: int = listeners[0].getsockname()[1]
    if how.workers == 1:
        return _work(build, how, listeners[0], lambda: on_ready(port), None)
    return _Supervisor(build, how, listeners, lambda: on_ready(port)).run()


class _Server(uvicorn.Server):
    """uvicorn's server, telling when it is ready and stopping when its supervisor is gone."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None], lifeline: int | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._lifeline = lifeline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets)
        if not self.should_exit:
            if self._lifeline is not None:
                asyncio.get_running_loop().add_reader(self._lifeline, self._supervisor_gone, self._lifeline)
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; unlike uvicorn, do not die of it afterwards: having stopped in order is success."""
        handlers = {name: signal.signal(name, self.handle_exit) for name in STOP_SIGNALS}
        try:
            yield
        finally:
            for name, handler in handlers.items():
                signal.signal(name, handler)

    def _supervisor_gone(self, lifeline: int) -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        self.should_exit = True


def _work(
    build: Build, how: Process, listener: socket.socket, on_ready: Callable[[], None], lifeline: int | None
) -> int:
    config = uvicorn.Config(
        build(),
        loop="auto",
        http=BoundedHttp,
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=how.drain,
        proxy_headers=bool(how.trusted_proxies),
        forwarded_allow_ips=how.trusted_proxies or None,
        server_header=False,
        access_log=False,
        log_config=None,
        reset_contextvars=True,  # else a request inherits the variables of the one before it on its connection
    )
    server = _Server(config, on_ready, lifeline)
    with contextlib.suppress(SystemExit):  # the start failed, and uvicorn has said why
        server.run(sockets=[listener])
    return 0 if server.started else STARTUP_FAILED


class _Supervisor:
    """Forks workers, starts a dead one again, and ends them in order."""

    def __init__(
        self, build: Build, how: Process, listeners: list[socket.socket], on_ready: Callable[[], None]
    ) -> None:
        self._build = build
        self._how = how
        self._listeners = listeners
        self._on_ready = on_ready
        self._workers: dict[int, tuple[int, float]] = {}
        self._stopping = False
        self._lifeline, self._lifeline_end = os.pipe()

    def run(self) -> int:
        ready, ready_end = os.pipe()
        for number in range(self._how.workers):
            self._fork(number, ready_end)
        for name in STOP_SIGNALS:
            signal.signal(name, self._stop)
        os.close(ready_end)
        if self._all_ready(ready):
            self._on_ready()
        return self._watch()

    def _all_ready(self, ready: int) -> bool:
        told = 0
        while told < self._how.workers:
            answer = os.read(ready, self._how.workers)
            if not answer:
                return False
            told += len(answer)
        os.close(ready)
        return True

    def _fork(self, number: int, ready_end: int | None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        # Held back meanwhile, so that a signal neither misses the new worker nor meets the supervisor's handler in it.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        if not self._stopping:
            child = os.fork() or self._be_worker(number, ready_end)
            self._workers[child] = (number, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def _be_worker(self, number: int, ready_end: int | None) -> NoReturn:
        code = STARTUP_FAILED
        try:
            for name in STOP_SIGNALS:
                signal.signal(name, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            os.close(self._lifeline_end)
            own = self._listeners[number]
            for listener in self._listeners:
                if listener is not own:
                    listener.close()
            code = _work(self._build, self._how, own, lambda: _tell(ready_end), self._lifeline)
        except BaseException:
            log.exception("a worker could not start")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _watch(self) -> int:
        exit_code = 0
        while self._workers:
            child, status = os.wait()
            number, started = self._workers.pop(child)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                exit_code = exit_code or max(code, 0)
            elif code == STARTUP_FAILED or time.monotonic() - started < QUICK_DEATH:
                log.error("a worker failed soon after its start; shutting down", worker=number, exit_code=code)
                exit_code = code if code > 0 else 1
                self._stop(signal.SIGTERM, None)
            else:
                log.error("a worker died and is started again", worker=number, exit_code=code)
                self._fork(number, None)
        return exit_code

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for listener in self._listeners:  # or connections would be taken that no worker serves any more
            listener.close()
        for child in self._workers:
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(child, signal.SIGTERM)


def _tell(ready_end: int | None) -> None:
    if ready_end is not None:
        os.write(ready_end, b".")
        os.close(ready_end)
