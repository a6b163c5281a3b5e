"""The sandbox: what a client's own tests need in order to meet expiry, refusals and outages at will."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime

import structlog

from ostiary.core.clock import MovableClock
from ostiary.core.problems import CATALOGUE, VALIDATION_FAILED, Problem
from ostiary.features.sandbox.problems import CLOCK_TOO_FAR_AHEAD

log = structlog.stdlib.get_logger(__name__)

MAX_ADVANCE_SECONDS = 10 * 365 * 86400
"""Seconds: the most that the clock moves at once."""

FARTHEST = 100 * 365 * 86400
"""Seconds: the most that the clock is ahead."""

MAX_TIMES = 100
"""The most requests that one call makes fail."""


@dataclass(frozen=True)
class ClockState:
    """The server's time, and how many seconds it is ahead of the real one."""

    now: datetime
    ahead_seconds: int


class Sandbox:
    """The use cases of the sandbox. What it knows is in the memory of one process.

    empty: deletes what users and their clients have created. Features keep the signing keys, service clients and audit
    events: holders of a public key or of a client's secret would otherwise need new ones.
    """

    def __init__(self, clock: MovableClock, empty: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._empty = empty
        self._code = ""
        self._times = 0

    async def reset(self) -> None:
        """Forget every user and session, put the clock right, force no error.

        Raises the problem `database_unavailable`.
        """
        await self._empty()
        self._times = 0
        log.warning("the sandbox was reset: every user is gone")

    def move_clock(self, seconds: int) -> ClockState:
        """Move the clock ahead and return what it shows; raises the problem `clock_too_far_ahead`."""
        if self._clock.ahead + seconds > FARTHEST:
            raise CLOCK_TOO_FAR_AHEAD()
        self._clock.move(seconds)
        return ClockState(self._clock.now(), self._clock.ahead)

    def force(self, code: str, times: int, possible: Collection[str]) -> None:
        """Let the next `times` requests to operations that document `code` be answered with it.

        It takes the place of what was forced before. possible: the codes that some operation documents. Raises the
        problem `validation_failed` for another code.
        """
        if code not in possible:
            raise VALIDATION_FAILED(errors=[{"pointer": "/code", "detail": "No operation documents this code."}])
        self._code, self._times = code, times

    def forced(self, documented: Collection[str]) -> Problem | None:
        """Return the problem that this request is to be answered with, if any, and count it.

        documented: the codes that the request's operation documents.
        """
        if not self._times or self._code not in documented:
            return None
        self._times -= 1
        kind = CATALOGUE[self._code]
        return kind(**kind.example)
