"""A bounded pool of threads for password hashing, so that it never runs on the event loop and never piles up.

One argon2id verification takes tens of milliseconds of CPU and some MiB of memory. The threads run at a lower
scheduling priority than the event loop's, so that cheap requests stay quick while many people log in; beyond a bounded
number of waiting calls the answer is `overloaded` (503 with Retry-After) instead of a queue without end.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.core.problems import OVERLOADED

T = TypeVar("T")

LOWER_PRIORITY = 10
"""Added to the niceness of a hashing thread: 0 is ordinary, 19 the lowest."""


def _lower_priority() -> None:
    # Linux keeps a niceness for each thread; elsewhere the call would slow the whole process, so it is left alone.
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWER_PRIORITY)


class HashPool:
    """Runs CPU-heavy calls on `threads` threads, with at most `queue` further calls waiting.

    The threads start with the first call, hence after a fork.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._limit = threads + queue
        self._threads = threads
        self._in_flight = 0
        self._executor: ThreadPoolExecutor | None = None

    @property
    def in_flight(self) -> int:
        """The calls that run or wait at this moment."""
        return self._in_flight

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread of the pool and return what it returns.

        Raises the problem `overloaded` at once when the queue is full. A caller that is cancelled while its call waits
        gives the place up; a call that has begun is finished by its thread and then forgotten.
        """
        if self._in_flight >= self._limit:
            raise OVERLOADED()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(
                self._threads, thread_name_prefix="ostiary-hash", initializer=_lower_priority
            )
        loop = asyncio.get_running_loop()
        self._in_flight += 1
        call = self._executor.submit(work)
        call.add_done_callback(lambda _: self._release_from(loop))
        return await asyncio.wrap_future(call)

    def _release_from(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
            loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._in_flight -= 1

    def close(self) -> None:
        """Let the running calls finish, drop the waiting ones, end the threads."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
