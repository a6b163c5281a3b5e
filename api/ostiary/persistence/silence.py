"""Detect a silent database, which neither refuses connections nor answers.

A server that is down refuses connections at once. If a server hangs or its network drops packets, every request waits
until its time limit. A slow statement alone proves little, because it may wait for a lock. So after a slow statement, a
new connection probes the database. If the probe and all other statements get no answer, the database is silent.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import structlog

from ostiary.core.problems import DATABASE_UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

SLOW_SECONDS = 0.5
"""Time after which an unanswered statement causes a probe."""
PROBE_SECONDS = 1.3
"""Time for a new connection to get an answer."""
PROBE_AGAIN_SECONDS = 0.25
"""Time between two probes of a silent database."""
LOOK_AGAIN_SECONDS = 1.0
"""Time between two probes while statements are slow but the database answers."""


class Silence:
    """Tracks whether the database is silent, on one event loop.

    probe: opens a new connection; returns or raises when the database answers. cut: closes all connections, so that
    everything that waits for an answer fails at once.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]], cut: Callable[[], None]) -> None:
        self._probe = probe
        self._cut = cut
        self._since: dict[object, float] = {}
        self._heard_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._probing: asyncio.Task[None] | None = None
        self.is_silent = False
        """Whether the database is silent. Probes continue until it answers."""

    @contextmanager
    def watched(self) -> Generator[None]:
        """Watch over the statements in the block; raises the problem `database_unavailable` if the database is known
        to be silent.
        """
        if self.is_silent:
            raise DATABASE_UNAVAILABLE()
        loop = asyncio.get_running_loop()
        work = object()
        self._since[work] = loop.time()
        if self._timer is None and self._probing is None:
            self._timer = loop.call_later(SLOW_SECONDS, self._look)
        try:
            yield
        except BaseException:
            del self._since[work]
            raise
        del self._since[work]
        self._heard_at = loop.time()

    def _look(self) -> None:
        """Probe the database if a statement has waited too long for an answer."""
        self._timer = None
        if not self._since:
            return
        loop = asyncio.get_running_loop()
        left = SLOW_SECONDS - (loop.time() - next(iter(self._since.values())))
        if left > 0:
            self._timer = loop.call_later(left, self._look)
        else:
            # In a context of its own; otherwise the task would keep the waiting request alive.
            self._probing = loop.create_task(self._ask(), context=contextvars.Context())

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        if not await self._answers() and self._heard_at < asked:
            self.is_silent = True
            log.error("the database does not answer; requests that need it are refused until it does")
            self._cut()
            while not await self._answers():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(PROBE_AGAIN_SECONDS)
            self.is_silent = False
            log.warning("the database answers again")
        self._probing = None
        if self._since:
            self._timer = loop.call_later(LOOK_AGAIN_SECONDS, self._look)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self._probe()
        except TimeoutError:
            return False
        except Exception:  # noqa: BLE001 - any refusal is an answer, and the statements report it
            return True
        return True

    async def stop(self) -> None:
        """Stop probing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})
            self._probing = None
