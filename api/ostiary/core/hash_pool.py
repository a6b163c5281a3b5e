"""A bounded pool of threads for password hashing, so that it never runs on the event loop and never piles up.

One argon2id verification takes tens of milliseconds of CPU and some MiB of memory. The threads run at a lower
scheduling priority than the event loop's, so that cheap requests stay quick while many people log in. Waiting is
bounded in time and in number: beyond either bound the answer is `overloaded` (503 with Retry-After). Refusing is cheap
and comes first, so that the work done for those who are served stays the same however many ask (Google, Site
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
"""How the longest wait that is admitted follows the patience of clients (additive increase, multiplicative decrease, as
in RFC 5681): shorter when one leaves before its turn, longer with each that is served; at least an eighth of the
longest wait. Else a queue of clients that give up would serve those who are about to leave.
"""
WEIGHT = 1 / 8
"""Weight of the latest call in the moving average of what a call takes."""


class _Place:
    """The right to one call, held by a request that was admitted and has not called yet."""


_place: ContextVar[_Place | None] = ContextVar("place", default=None)


def _lower_priority() -> None:
    # Linux keeps a niceness for each thread; elsewhere the call would slow the whole process, so it is left alone.
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + LOWER_PRIORITY)


class HashPool:
    """Runs CPU-heavy calls on `threads` threads, with at most `queue` further calls waiting, for `wait` seconds.

    A new call is refused when it would be expected to wait for more than that, or for less where callers have given up
    before; one whose turn comes after more than `wait` is dropped instead of run. now: returns seconds on a clock that
    only goes forward. The threads start with the first call, hence after a fork.
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
        """The calls that run or wait at this moment."""
        return self._in_flight

    @property
    def expected_wait(self) -> float:
        """The seconds that a call which came now would wait for a thread; 0 while a thread is free."""
        return max(0, self._taken - self._threads + 1) * self._seconds / self._threads

    @property
    def _taken(self) -> int:
        return self._in_flight + len(self._places)

    @contextlib.contextmanager
    def place(self) -> Generator[None]:
        """Keep a place for one call that is made within, which is then not refused; raises the problem `overloaded`.

        So nobody looks up a user in vain where many requests arrive together.
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
        """Return the problem `overloaded` if a call would be refused now, else None. Costs some µs; logs refusals."""
        if self._taken < self._threads:  # also when the average says otherwise: only a call can correct it
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
        """Run `work` on a thread of the pool and return what it returns.

        Raises the problem `overloaded`: at once when too many calls wait, later when this one has waited too long. A
        caller that is cancelled while its call waits gives the place up; a call that has begun is finished by its
        thread and then forgotten.
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
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
            loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._in_flight -= 1

    async def stop(self) -> None:
        """Close it (see `close`)."""
        self.close()

    def close(self) -> None:
        """Let the running calls finish, drop the waiting ones, end the threads."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


class _WaitedTooLong(Exception):
    """The call's turn came too late."""
