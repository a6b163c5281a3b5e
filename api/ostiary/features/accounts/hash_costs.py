"""The costs of the stored password hashes, updated regularly, so that unknown names cost the same."""

import asyncio

import structlog
from sqlalchemy import func, select

from ostiary.core.passwords import Passwords
from ostiary.core.problems import Problem
from ostiary.features.accounts.models import UserRow
from ostiary.persistence.database import Database

log = structlog.stdlib.get_logger(__name__)

REFRESH_SECONDS = 600.0
"""Seconds between counts. A count reads the whole table; the shares change as users log in."""
_HEAD = 15
"""What stands before the costs in `$argon2id$v=19$m=19456,t=2,p=1$...`; in hashes of other kinds they are near."""


class HashCosts:
    """Updates the costs in `passwords`: at the start, and in the background on request."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords
        self._next = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Count the hashes of each cost now. Raises the problems `database_unavailable` and `overloaded`."""
        self._next = asyncio.get_running_loop().time() + REFRESH_SECONDS
        position = func.instr if self._database.is_sqlite else func.strpos
        stored = UserRow.password_hash
        costs = func.substr(stored, 1, _HEAD + position(func.substr(stored, _HEAD + 1), "$"))
        async with self._database.read() as session:
            rows = await session.execute(select(func.min(stored), func.count()).group_by(costs))
            counts = {row[0]: row[1] for row in rows}
        await self._passwords.learn(counts)

    def refresh_when_due(self) -> None:
        """Start a count in the background unless one was done recently; then the call costs almost nothing."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next and (self._task is None or self._task.done()):
            self._next = loop.time() + REFRESH_SECONDS
            self._task = loop.create_task(self._refresh_later())

    async def _refresh_later(self) -> None:
        try:
            await self.refresh()
        except Problem as problem:
            log.warning("the costs of the password hashes could not be counted", cause=problem.detail)

    async def stop(self) -> None:
        """Stop a running count."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
