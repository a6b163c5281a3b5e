"""The sandbox: lets the tests of a client trigger expiry, refusals and outages."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime

import structlog

from ostiary.core.clock import MovableClock
from ostiary.core.problems import CATALOGUE, VALIDATION_FAILED, Problem
from ostiary.features.sandbox.problems import CLOCK_TOO_FAR_AHEAD

log = structlog.stdlib.get_logger(__name__)

MAX_ADVANCE_SECONDS = 10 * 365 * 86400
"""Maximum seconds by which the clock moves at once."""

FARTHEST = 100 * 365 * 86400
"""Maximum seconds that the clock can be ahead."""

MAX_TIMES = 100
"""Maximum number of requests that one call makes fail."""


@dataclass(frozen=True)
class ClockState:
    """The server's time, and how many seconds it is ahead of the real one."""

    now: datetime
    ahead_seconds: int


class Sandbox:
    """The use cases of the sandbox. Its state is in the memory of one process.

    empty: deletes what users and their clients have created. Features keep the signing keys, service clients and audit
    events: holders of a public key or of a client's secret would otherwise need new ones.
    """

    def __init__(self, clock: MovableClock, empty: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._empty = empty
        self._code = ""
        self._times = 0

    async def reset(self) -> None:
        """Delete all users and sessions, reset the clock, and cancel forced errors.

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

        It replaces an earlier forced error. possible: the codes that operations document. Raises the problem
        `validation_failed` for other codes.
        """
        if code not in possible:
            raise VALIDATION_FAILED(errors=[{"pointer": "/code", "detail": "No operation documents this code."}])
        self._code, self._times = code, times

    def forced(self, documented: Collection[str]) -> Problem | None:
        """Return the forced problem for this request, if any, and count it.

        documented: the codes that the request's operation documents.
        """
        if not self._times or self._code not in documented:
            return None
        self._times -= 1
        kind = CATALOGUE[self._code]
        return kind(**kind.example)
