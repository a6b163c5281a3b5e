"""A bounded pool of threads for password hashing, so that it never runs on the event loop and never piles up.

One argon2id verification takes tens of milliseconds of CPU and a few MiB of memory. The threads have a lower scheduling
priority than the event loop, so that cheap requests stay fast while many users log in. Both the waiting time and the
number of waiting calls are limited; beyond either limit the answer is `overloaded` (503 with Retry-After). A refusal is
cheap and happens first, so that any number of requests leaves the same capacity for those that are served (Google, Site
Reliability Engineering, "Handling Overload").
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

from ostiary.core.problems import Problem
from ostiary.core.refusals import Refusals

T = TypeVar("T")

LOWER_PRIORITY = 10
"""Added to the niceness of a hashing thread: 0 is ordinary, 19 the lowest."""
SHRINK, GROW, MIN_SHARE = 0.8, 1 / 1000, 1 / 8
"""How the longest admitted wait adapts to the patience of clients (additive increase, multiplicative decrease, as in
RFC 5681). It shrinks when a client leaves before its turn, grows with each served call, and is at least an eighth of
the longest wait. Otherwise the pool would serve clients that are about to give up.
"""
WEIGHT = 1 / 8
"""Weight of the latest call in the moving average of the duration of calls."""


class _Place:
    """The right to one call. An admitted request holds it until it calls."""


_place: ContextVar[_Place | None] = ContextVar("place", default=None)


def _lower_priority() -> None:
    # On Linux each thread has its own niceness. On other systems the call would slow down the whole process.
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + LOWER_PRIORITY)


class HashPool:
    """Runs CPU-heavy calls on `threads` threads. At most `queue` further calls wait, for at most `wait` seconds.

    A new call is refused if its expected wait is longer than that, or longer than a lower limit after callers have
    given up. A call that has waited for more than `wait` seconds is dropped. now: returns seconds on a monotonic clock.
    The threads start with the first call, so after a fork.
    """

    def __init__(
        self, threads: int, queue: int, wait: float = 2.0, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = threads + queue
        self._threads = threads
        self._wait = wait
        self._admitted_wait = wait
        self._now = now
        self._in_flight = 0
        self._places: set[_Place] = set()
        self._seconds = 0.0
        self._executor: ThreadPoolExecutor | None = None
        self.refusals = Refusals(now)

    @property
    def in_flight(self) -> int:
        """The number of calls that run or wait now."""
        return self._in_flight

    @property
    def expected_wait(self) -> float:
        """The seconds that a new call would wait for a thread; 0 if a thread is free."""
        return max(0, self._taken - self._threads + 1) * self._seconds / self._threads

    @property
    def _taken(self) -> int:
        return self._in_flight + len(self._places)

    @contextlib.contextmanager
    def place(self) -> Generator[None]:
        """Reserve a place for one call in the block, so that it is not refused. Raises the problem `overloaded`.

        This way no request looks up a user and is refused afterwards.
        """
        self._admit()
        place = _Place()
        self._places.add(place)
        before = _place.set(place)
        try:
            yield
        finally:
            _place.reset(before)
            self._places.discard(place)

    def refusal(self) -> Problem | None:
        """Return the problem `overloaded` if a call would be refused now, else None. Takes a few µs; logs refusals."""
        if self._taken < self._threads:  # even if the average is too high, because only a call can correct it
            return None
        wait = self.expected_wait
        if self._taken < self._limit and wait <= self._admitted_wait:
            return None
        return self._refuse(wait)

    def _admit(self) -> None:
        refused = self.refusal()
        if refused is not None:
            raise refused

    def _refuse(self, wait: float) -> Problem:
        return self.refusals.refuse(max(0, self._taken - self._threads), wait)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread of the pool and return its result.

        Raises the problem `overloaded`, at once if too many calls wait, or later if this call has waited too long. If
        the caller is cancelled while its call waits, the call is dropped. If the call has begun, the thread finishes it
        and the result is discarded.
        """
        if not self._take_place():
            self._admit()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(
                self._threads, thread_name_prefix="ostiary-hash", initializer=_lower_priority
            )
        loop = asyncio.get_running_loop()
        self._in_flight += 1
        call = self._executor.submit(self._timed, work, self._now() + self._wait)
        call.add_done_callback(lambda _: self._release_from(loop))
        try:
            result = await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            self._shorten()
            raise
        except _WaitedTooLong:
            self._shorten()
            raise self._refuse(self.expected_wait) from None
        self._admitted_wait = min(self._wait, self._admitted_wait + self._wait * GROW)
        return result

    def _take_place(self) -> bool:
        place = _place.get()
        if place not in self._places:
            return False
        self._places.discard(place)
        return True

    def _shorten(self) -> None:
        self._admitted_wait = max(self._wait * MIN_SHARE, self._admitted_wait * SHRINK)

    def _timed(self, work: Callable[[], T], latest: float) -> T:
        began = self._now()
        if began > latest:
            raise _WaitedTooLong
        try:
            return work()
        finally:
            took = self._now() - began
            self._seconds += (took - self._seconds) * (WEIGHT if self._seconds else 1)

    def _release_from(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the count does not matter any more
            loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._in_flight -= 1

    async def stop(self) -> None:
        """Close it (see `close`)."""
        self.close()

    def close(self) -> None:
        """Finish the running calls, drop the waiting calls, and end the threads."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


class _WaitedTooLong(Exception):
    """The call's turn came too late."""
