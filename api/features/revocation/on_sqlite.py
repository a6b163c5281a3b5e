"""How a worker follows the revocation feed on SQLite: by looking at the file."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.problems import Problem
from api.features.revocation.following import AT_ONCE, Apply, loop_time
from api.persistence.database import Database
from api.persistence.local_reader import LocalReader
from api.persistence.number_file import NumberFile

log = structlog.stdlib.get_logger(__name__)

_NEWER = "SELECT seq, kind, subject, expires_at FROM revocations WHERE seq > ? ORDER BY seq LIMIT ?"
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'revocations'"
FEED = "-feed"
"""Added to the name of the database: the file with the position that was announced."""
LOOK_ANYWAY = 1.0
"""Seconds after which a worker looks into the feed although its position is the announced one: somebody may have
deleted that file, or put another in its place."""


class SqliteFollower:
    """Compares its position with one that all processes share, on each request; reads the feed where they differ.

    Whoever adds entries makes their position known in a file beside the database before they are committed (the suffix
    is FEED), while no other writer can be at it. So an equal position means that nothing was committed which is not
    known here. A different one means no more than "look": also what was then rolled back was announced.
    """

    def __init__(self, database: Database, apply: Apply) -> None:
        file = database.url.database or ""
        self._database = database
        self._reader = LocalReader(database.url)
        self._announced = NumberFile(Path(file + FEED), Path(file))
        self._apply = apply
        self._position = 0
        self._look_at = float("-inf")
        self._behind: asyncio.Task[None] | None = None

    def is_current(self) -> bool:
        """Return whether everything committed so far is known, having read what there was."""
        if self._behind is not None:
            return False
        now = loop_time()
        if now < self._look_at and self._announced.get() == self._position:
            return True
        self._announced.close()
        try:
            if self._read():
                self._look_at = now + LOOK_ANYWAY
                return True
        except sqlite3.DatabaseError:
            return False
        self._behind = asyncio.get_running_loop().create_task(self._catch_up())
        return False

    def _read(self) -> bool:
        """Read on; return whether that was all there is."""
        last = self._reader.rows(_LAST)
        entries = self._reader.rows(_NEWER, (self._position, AT_ONCE))
        if entries:
            self._apply(entries)
            self._position = entries[-1][0]
        if len(entries) == AT_ONCE:
            return False
        # The last entries may have expired and been deleted meanwhile: nobody has to wait for those.
        self._position = max(self._position, *(position for (position,) in last), 0)
        return True

    async def _catch_up(self) -> None:
        """Read a long feed piece by piece; meanwhile the database is asked for each request."""
        try:
            while not self._read():  # noqa: ASYNC110 - other requests are served in between
                await asyncio.sleep(0)
        except sqlite3.DatabaseError as error:
            log.error("the revocations cannot be read; asking the database for each request", cause=str(error)[:300])
        finally:
            self._behind = None

    async def start(self) -> None:
        """Read the feed from its beginning, and put the announced position right."""
        await self._catch_up()
        if self._announced.get() != self._position:
            with contextlib.suppress(Problem):  # logged; meanwhile the feed is read on each request
                await self._database.write(self.announce)

    async def announce(self, session: AsyncSession) -> int:
        """Say up to where there will be entries once this transaction, which may have added some, is committed."""
        position: int = await session.scalar(text(_LAST)) or 0
        self._announced.set(position)
        return position

    async def others_have_seen(self, position: int) -> None:
        """Return: they look at the file."""

    async def stop(self) -> None:
        """Close the files."""
        if self._behind is not None:
            self._behind.cancel()
        self._reader.close()
        self._announced.close()
