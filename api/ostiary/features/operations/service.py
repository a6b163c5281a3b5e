"""Health checks and the meaning of problem codes."""

import asyncio
import contextvars
from dataclasses import dataclass

from ostiary.core.problems import CATALOGUE, DATABASE_UNAVAILABLE, NOT_FOUND
from ostiary.core.startup import Startup
from ostiary.persistence.database import Database

READY_SECONDS = 0.8
"""Time for the database to answer: a probe usually waits for one second (Kubernetes' `timeoutSeconds`)."""


@dataclass(frozen=True)
class ProblemDescription:
    """The meaning of a problem code."""

    code: str
    status: int
    title: str
    detail: str
    remedy: str


class Operations:
    """Health, readiness, and the meaning of problems."""

    def __init__(self, database: Database, startup: Startup) -> None:
        self._database = database
        self._startup = startup
        self._ping: asyncio.Task[None] | None = None
        self._pinged_at = 0.0

    async def check_ready(self) -> None:
        """Return if the service is ready; raises the problem `database_unavailable` within a second.

        Concurrent checks share one database query, even if it takes long.
        """
        if self._startup.is_pending:
            raise DATABASE_UNAVAILABLE()
        loop = asyncio.get_running_loop()
        if self._ping is None or self._ping.done():
            # In its own context, because it can outlive the request.
            self._ping = loop.create_task(self._database.ping(), context=contextvars.Context())
            self._ping.add_done_callback(_look_at)
            self._pinged_at = loop.time()
        left = self._pinged_at + READY_SECONDS - loop.time()
        answered, _ = await asyncio.wait({self._ping}, timeout=max(0.0, left))
        if not answered:
            raise DATABASE_UNAVAILABLE()
        await self._ping

    @staticmethod
    def describe(code: str) -> ProblemDescription:
        """Return what `code` means; raises the problem `not_found`."""
        kind = CATALOGUE.get(code)
        if kind is None:
            raise NOT_FOUND()
        return ProblemDescription(kind.code, kind.status, kind.title, kind.detail, kind.remedy)


def _look_at(ping: asyncio.Task[None]) -> None:
    if not ping.cancelled():
        ping.exception()  # looked at, should nobody wait any more
