"""The supervisor's view of one worker process: its start, its latest messages, and its end."""

import ctypes
import faulthandler
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

import structlog

from ostiary.server import channel as talk
from ostiary.server.signals import HANDLED_SIGNALS

log = structlog.stdlib.get_logger(__name__)

STDERR = 2
PR_SET_PDEATHSIG = 1


@dataclass(eq=False)
class Child:
    """A worker process. Times are those of time.monotonic()."""

    pid: int
    number: int
    channel: socket.socket
    started: float = field(default_factory=time.monotonic)
    beat: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    is_leaving: bool = False
    is_hanging: bool = False
    kill_at: float | None = None
    covers: set[int] = field(default_factory=set)

    def hear(self) -> bool:
        """Read its messages; return False if its end of the channel is closed."""
        said = talk.receive(self.channel)
        if said is None:
            return False
        if said:
            self.beat = time.monotonic()
        self.is_ready = self.is_ready or talk.READY in said
        self.is_leaving = self.is_leaving or talk.LEAVING in said
        return True

    def tell(self, message: bytes) -> None:
        """Send it an order."""
        talk.send(self.channel, message)

    def cover(self, numbers: set[int]) -> None:
        """Make it accept from the listeners `numbers` in addition to its own, and from no others."""
        for number in numbers - self.covers:
            self.tell(talk.COVER + bytes([number]))
        for number in self.covers - numbers:
            self.tell(talk.UNCOVER + bytes([number]))
        self.covers = numbers

    def kill(self, how: signal.Signals) -> None:
        """Send it a signal. It has not been reaped yet, so the process id still belongs to it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, how)


def fork(number: int, work: Callable[[socket.socket], int], close: Callable[[], None]) -> Child:
    """Fork a worker and return it.

    work: runs in the worker with its end of the channel and returns the exit code. close: closes in the worker what
    belongs only to the supervisor.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    # Blocked, so that the new worker misses no signal and does not run the supervisor's handlers.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED_SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_worker(lambda: work(theirs), close)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED_SIGNALS)
    theirs.close()
    return Child(pid, number, ours)


def reaped() -> Iterable[tuple[int, int]]:
    """Yield the process id and exit code of each child that has ended, including children of other programs.

    Process 1 of a container adopts every orphan, and a program started with `exec` keeps the children of its
    predecessor. All of them must be reaped.
    """
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _be_worker(work: Callable[[], int], close: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        close()
        faulthandler.enable(STDERR)  # the stack of a worker that hangs is logged when the supervisor aborts it
        _continue_without_supervisor()
        code = work()
    except BaseException:
        log.exception("a worker failed")
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _continue_without_supervisor() -> None:
    """Make the kernel wake this process if it is suspended when its supervisor dies, so that it can end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGCONT)
