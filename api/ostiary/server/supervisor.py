"""The supervisor starts workers, replaces those that die or hang, renews them, and stops them in order."""

import gc
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from ostiary.server import channel as talk
from ostiary.server.children import Child, fork, reaped
from ostiary.server.notify import ServiceManager
from ostiary.server.options import Build, Process
from ostiary.server.signals import Asked
from ostiary.server.slots import COVER_SECONDS, Slot
from ostiary.server.worker import KILL_SECONDS, Seat, loop_factory, work

log = structlog.stdlib.get_logger(__name__)

ABORT_SECONDS = 3.0
"""Seconds for a hanging worker to log its stack before it is killed."""
HURRY_SECONDS = 4.5
"""Seconds for workers to end after a second stop signal."""
TICK_SECONDS = 1.0
"""Maximum seconds between two checks of the workers."""
SUSPENDED_SECONDS = 5.0
"""After a gap this long, the supervisor was suspended. Its workers were suspended, too, so their silence is normal."""


class Supervisor:
    """Keeps `how.workers` workers running until the server stops.

    on_ready: called when all workers answer for the first time.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - called once, by `serve`
        self,
        build: Build,
        how: Process,
        listeners: list[socket.socket],
        asked: Asked,
        manager: ServiceManager,
        on_ready: Callable[[], None],
    ) -> None:
        self._build = build
        self._how = how
        self._listeners = listeners
        self._asked = asked
        self._manager = manager
        self._on_ready = on_ready
        self._slots = [Slot(number) for number in range(how.workers)]
        self._children: dict[int, Child] = {}
        self._has_served = False
        self._is_stopping = False
        self._exit_code = 0
        self._renewal: float | None = None
        self._last_tick = time.monotonic()
        self._notified_at = 0.0
        self._selector = selectors.PollSelector()
        self._woken, self._wake = socket.socketpair()

    def run(self) -> int:
        """Serve until a stop is requested and every worker has ended; return the exit code."""
        self._listen_to_signals()
        loop_factory()  # imports the loop once for all workers
        gc.collect()
        gc.freeze()  # so collections in the workers do not write to shared memory pages
        while not self._is_stopping or self._children:
            self._start_what_is_due()
            self._wait()
            self._reap()
            self._obey()
            if not self._is_stopping:
                self._replace_leavers()
                self._check_heartbeats()
                self._look_at_first_start()
                self._renew()
                self._cover()
            self._kill_what_is_due()
            self._notify()
        return self._exit_code

    def _listen_to_signals(self) -> None:
        for end in (self._woken, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the signal only has to wake the supervisor
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    # Starting

    def _start_what_is_due(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if not self._is_stopping and not self._asked.stop and slot.worker is None and now >= slot.start_at:
                slot.worker = self._fork(slot.number)

    def _fork(self, number: int) -> Child:
        def close() -> None:
            for other in self._children.values():
                other.channel.close()
            self._selector.close()
            self._woken.close()
            self._wake.close()

        def run(channel: socket.socket) -> int:
            asked = Asked()
            asked.begin_to_serve()
            asked.listen()
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            return work(self._build, self._how, Seat(self._listeners, number, channel), asked, _nothing)

        child = fork(number, run, close)
        self._children[child.pid] = child
        self._selector.register(child.channel, selectors.EVENT_READ, child)
        return child

    def _look_at_first_start(self) -> None:
        if not self._has_served and all(slot.worker and slot.worker.is_ready for slot in self._slots):
            self._has_served = True
            self._on_ready()

    # Waiting

    def _wait(self) -> None:
        """Wait for a signal, a message from a worker, or the next time at which something is due."""
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
            elif not key.data.hear():
                self._selector.unregister(key.fileobj)
        now = time.monotonic()
        if now - self._last_tick > min(SUSPENDED_SECONDS, self._how.heartbeat_seconds / 2):
            for child in self._children.values():
                child.beat = now
        self._last_tick = now

    def _patience(self) -> float:
        now = time.monotonic()
        due = [now + min(TICK_SECONDS, self._how.heartbeat_seconds / 4)]
        due += [child.kill_at for child in self._children.values() if child.kill_at is not None]
        due += [slot.start_at for slot in self._slots if slot.worker is None and not self._is_stopping]
        if self._manager.watchdog:
            due.append(self._notified_at + self._manager.watchdog)
        return max(0.0, min(due) - now)

    # Ends

    def _reap(self) -> None:
        for pid, code in reaped():
            child = self._children.pop(pid, None)
            if child is None:
                continue  # not a worker
            with suppress(KeyError):
                self._selector.unregister(child.channel)
            child.channel.close()
            slot = self._slots[child.number]
            if slot.successor is child:
                slot.successor = None
                if not self._is_stopping:
                    log.error("a new worker could not start; the old ones stay", worker=slot.number, exit_code=code)
                    self._end_renewal()
            elif self._is_stopping:
                self._exit_code = self._exit_code or max(code, 0)
            elif slot.worker is child and not self._has_served and code != 0:
                log.error("a worker failed at the first start; shutting down", worker=slot.number, exit_code=code)
                self._exit_code = code if code > 0 else 1
                self._stop()
            elif slot.worker is child:
                slot.end(code)

    def _replace_leavers(self) -> None:
        """Replace a worker that another process has asked to stop. It still finishes its requests."""
        for slot in self._slots:
            old = slot.worker
            if old is not None and old.is_leaving:
                log.info("a worker was asked to stop and is replaced", worker=slot.number, pid=old.pid)
                slot.promote()
                self._bound_leaving(old)

    # Orders

    def _obey(self) -> None:
        if self._asked.stop and not self._is_stopping:
            self._stop()
        if self._asked.hurry and self._is_stopping:
            self._asked.hurry = False
            self._end_within(HURRY_SECONDS, talk.HURRY)
        if self._asked.renew and self._renewal is None and self._has_served and not self._is_stopping:
            self._asked.renew = False
            self._renewal = time.monotonic()
            log.info("the workers are being renewed")
            self._manager.reloading()

    def _stop(self) -> None:
        self._is_stopping = True
        self._manager.stopping()
        for listener in self._listeners:  # otherwise the kernel would accept connections that no worker serves
            listener.close()
        self._end_within(self._how.drain + KILL_SECONDS, talk.STOP)

    def _end_within(self, seconds: float, order: bytes) -> None:
        latest = time.monotonic() + seconds
        for child in self._children.values():
            child.tell(order)
            child.kill_at = min(child.kill_at or latest, latest)

    def _kill_what_is_due(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.kill_at is not None and now >= child.kill_at:
                if not child.is_hanging:
                    log.error("a worker did not end in time and is killed", worker=child.number, pid=child.pid)
                child.kill(signal.SIGKILL)
                child.kill_at = now + TICK_SECONDS

    # Heartbeats

    def _check_heartbeats(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            silence = now - child.beat
            if silence > self._how.heartbeat_seconds and not child.is_hanging:
                child.is_hanging = True
                child.kill_at = now + ABORT_SECONDS
                log.error(
                    "a worker hangs and is replaced; its stack follows if it can still log it",
                    worker=child.number,
                    pid=child.pid,
                    silent_seconds=round(silence, 1),
                )
                child.kill(signal.SIGABRT)

    def _cover(self) -> None:
        """Make the other workers accept the connections of a worker that is away or silent."""
        if not self._has_served or len({id(listener) for listener in self._listeners}) == 1:
            return
        patience = min(COVER_SECONDS, self._how.heartbeat_seconds / 2)
        for slot in self._slots:
            is_away = not slot.is_served(patience)
            if is_away != slot.is_covered:
                slot.is_covered = is_away
                log.info("others cover for a worker" if is_away else "a worker serves again", worker=slot.number)
        covered = {slot.number for slot in self._slots if slot.is_covered}
        for slot in self._slots:
            if slot.worker is not None and slot.worker.is_ready:
                slot.worker.cover(covered - {slot.number})

    # Renewal

    def _renew(self) -> None:
        """Continue a renewal, one slot at a time. The successor answers before the old worker leaves."""
        if self._renewal is None:
            return
        for slot in self._slots:
            old = slot.worker
            if old is None:
                continue  # the worker died, and its replacement will be new
            if old.started >= self._renewal:
                if old.is_ready:
                    continue
                return
            if slot.successor is None:
                slot.successor = self._fork(slot.number)
            if not slot.successor.is_ready:
                return
            slot.promote()
            old.tell(talk.RENEW)
            self._bound_leaving(old)
        log.info("the workers are renewed")
        self._end_renewal()

    def _end_renewal(self) -> None:
        self._renewal = None
        self._manager.ready()

    def _bound_leaving(self, old: Child) -> None:
        """Limit the time in which a replaced worker finishes its last requests."""
        old.kill_at = time.monotonic() + self._how.gentle_seconds + self._how.drain + KILL_SECONDS

    def _notify(self) -> None:
        now = time.monotonic()
        if self._manager.watchdog and now >= self._notified_at + self._manager.watchdog:
            self._notified_at = now
            if not any(child.is_hanging for child in self._children.values()):
                self._manager.alive()


def _nothing() -> None:
    """Do nothing, because the channel reports to the supervisor that a worker is ready."""
