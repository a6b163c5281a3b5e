"""Follows the revocation feed on SQLite by checking a file."""

import asyncio
import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy import Integer, delete, insert, literal_column, text
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.features.revocation.following import AT_ONCE, Apply, Recover, loop_time
from ostiary.features.revocation.identity import Found, Known, Reason, look, sign
from ostiary.features.revocation.models import FeedIdentityRow
from ostiary.persistence.database import Database
from ostiary.persistence.feed_file import FeedFile, Record
from ostiary.persistence.local_reader import LocalReader
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

_NEWER = "SELECT seq, kind, subject, expires_at, kept_session FROM revocations WHERE seq > ? ORDER BY seq LIMIT ?"
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'revocations'"
_LOOK = look(literal_column(f"({_LAST})", Integer))
_LOOK_SQL = str(_LOOK.compile(dialect=sqlite_dialect.dialect(paramstyle="named")))
FEED = "-feed"
"""The suffix of the file with the announced position and the state of the history."""
LOOK_ANYWAY = 1.0
"""Seconds after which a worker looks into the feed although its position is the announced one: somebody may have
deleted that file, or put another in its place, or the database may have gone back."""


class SqliteFollower:
    """Compares its position with one that all processes share, on each request. Reads the feed if they differ.

    Whoever adds entries makes their position known in a file beside the database before they are committed (the suffix
    is FEED), while no other writer can be at it. So an equal position means that nothing was committed which is not
    known here. A different position only means "look": rolled back entries were announced, too.

    The file also says how far the history has come. A start compares the database with it.
    """

    def __init__(self, database: Database, apply: Apply, recover: Recover) -> None:
        file = database.url.database or ""
        self._database = database
        self._reader = LocalReader(database.url, database.files)
        self._file = FeedFile(Path(file + FEED), Path(file))
        self._announced = self._file.announced
        self._apply = apply
        self._recover = recover
        self._position = 0
        self._known = Known()
        self._record: Record | None = None
        self._is_same_history = False
        self._look_at = float("-inf")
        self._behind: asyncio.Task[None] | None = None
        self._recovering: asyncio.Task[None] | None = None
        self._saving: asyncio.Future[None] | None = None

    def is_current(self) -> bool:
        """Read new entries and return whether everything committed so far is known."""
        if self._behind is not None:
            return False
        now = loop_time()
        if now < self._look_at and self._announced.get() == self._position:
            return True
        return self._known.generation is not None and self._is_current_now(now)

    def _is_current_now(self, now: float) -> bool:
        self._announced.close()
        try:
            is_all = self._read()
        except sqlite3.DatabaseError:
            return False
        if not self._is_same_history:
            self._look_at = float("-inf")
            if self._recovering is None or self._recovering.done():
                self._recovering = asyncio.get_running_loop().create_task(self._recover_quietly())
            return False
        if is_all:
            self._look_at = now + LOOK_ANYWAY
            return True
        self._behind = asyncio.get_running_loop().create_task(self._catch_up())
        return False

    def _read(self) -> bool:
        """Read on; return whether that was all there is."""
        basis = self._basis()
        with self._reader.snapshot():
            found = Found.of(self._reader.rows(_LOOK_SQL, {"audit": basis.audit})[0])
            entries = self._reader.rows(_NEWER, (self._position, AT_ONCE))
        self._is_same_history = found.generation is not None and basis.sign(found) is None
        if self._is_same_history:
            before, self._known = self._known, found.as_known()
            if before != self._known:
                self._save()
        if entries:
            self._apply(entries)
            self._position = entries[-1][0]
        if len(entries) == AT_ONCE:
            return False
        # The last entries may have expired and been deleted since: nobody has to wait for those.
        self._position = max(self._position, found.last)
        return True

    def _basis(self) -> "_Basis":
        """Return what to compare the database with, as of now: while it is asked, this worker may read on."""
        if self._known.generation is not None:
            return _Basis(self._known, self._position)
        return _AtStart(self._record, self._announced.get())

    async def _recover_quietly(self) -> None:
        with contextlib.suppress(Problem):  # logged; the next request tries again
            await self._recover()

    async def check(self) -> None:
        """Return if the database has not gone back, or is recovered; raises the problem `database_unavailable`."""
        if self.is_current() or (self._is_same_history and self._behind is not None):
            return
        for _ in range(2):
            if self._known.generation is None:
                self._record = await asyncio.to_thread(self._file.read)
            async with self._database.read() as session:
                found, reason = await self._basis().compare(session)
            if found.generation is not None and reason is None:
                if self._known.generation is None:
                    await self._catch_up()
                return
            await self._recover()
        raise DATABASE_UNAVAILABLE()

    def _save(self) -> None:
        """Write the known state to the file, on a thread. It need not be on the disk at once."""
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().run_in_executor(None, self._remember, self._known)

    def _remember(self, known: Known) -> None:
        if known.generation is not None:
            with contextlib.suppress(OSError):
                self._file.remember(Record(known.position, known.audit, known.audit_mark, known.generation))

    async def _catch_up(self) -> None:
        """Read a long feed piece by piece. Until then, the database is queried for each request."""
        try:
            while not self._read():  # noqa: ASYNC110 - other requests are served in between
                await asyncio.sleep(0)
        except sqlite3.DatabaseError as error:
            log.error("the revocations cannot be read; asking the database for each request", cause=str(error)[:300])
        finally:
            self._behind = None

    async def start(self) -> None:
        """See whether the database went back, read the feed from its beginning, put the announced position right."""
        with contextlib.suppress(Problem):  # logged; until then each request asks again
            await self.check()
            if self._announced.get() != self._position:
                await self._database.write(self.announce)

    async def inspect(self, session: AsyncSession) -> tuple[Found, Reason | None]:
        """Compare the database with what this worker knows, and with what any worker has written into the file."""
        await session.connection()  # takes the database's lock, under which the file changes
        record = await asyncio.to_thread(self._file.read)
        if self._known.generation is None:
            self._record = record
        found, reason = await self._basis().compare(session)
        if reason is None and record is not None and self._known.generation is not None:
            found, reason = await _Basis(_known_of(record)).compare(session)
        return found, reason

    async def jump(self, _tx: Transaction, position: int, by: int) -> int:
        """Return a position `by` beyond `position` and all that was announced or read; an entry moves the rest."""
        return max(position, self._position, self._known.position, self._announced.get() or 0) + by

    async def renew(self, tx: Transaction, generation: str, position: int) -> None:
        """Write the generation into the database, and into the file before it is committed: should that fail, they
        differ, and the database is recognised once more.
        """
        await tx.session.execute(delete(FeedIdentityRow))
        await tx.session.execute(insert(FeedIdentityRow).values(id=1, generation=generation, position=position))
        found, _ = await _Basis(Known()).compare(tx.session)
        record = Record(position, found.audit, found.audit_mark, generation)
        await asyncio.to_thread(self._file.begin, position, record)

    async def announce(self, tx: Transaction) -> int:
        """Say up to where there will be entries once this transaction, which may have added some, is committed."""
        position: int = await tx.session.scalar(text(_LAST)) or 0
        await asyncio.to_thread(self._file.announce, position)
        return position

    async def others_have_seen(self, position: int) -> None:
        """Return at once: the other workers check the file, which now has this commit."""
        self._look_at = float("-inf")
        self.is_current()
        known = replace(self._known, position=max(self._known.position, position))
        await asyncio.to_thread(self._remember, known)

    async def stop(self) -> None:
        """Close the files."""
        for task in (self._behind, self._recovering):
            if task is not None:
                task.cancel()
        if self._saving is not None:
            await asyncio.wait({self._saving})
        self._reader.close()
        self._announced.close()


def _known_of(record: Record) -> Known:
    return Known(record.generation, record.position, record.audit, record.audit_mark)


class _Basis:
    """What a worker knows at one moment. position: see identity.sign."""

    def __init__(self, known: Known, position: int = 0) -> None:
        self._known = known
        self._position = position
        self.audit = known.audit

    def sign(self, found: Found) -> Reason | None:
        """Return the sign that the database went back, if any."""
        return sign(self._known, self._position, found)

    async def compare(self, session: AsyncSession) -> tuple[Found, Reason | None]:
        """Query the database; return its state and that sign."""
        found = Found.of((await session.execute(_LOOK, {"audit": self.audit})).one())
        return found, self.sign(found)


class _AtStart(_Basis):
    """The content of the file, which outlives every process. announced: its position, also from an earlier version."""

    def __init__(self, record: Record | None, announced: int | None) -> None:
        super().__init__(Known() if record is None else _known_of(record))
        self._record = record
        self._announced = announced

    def sign(self, found: Found) -> Reason | None:
        """Return the sign that the database went back, if any."""
        if self._record is not None:
            if self._record.is_copy:
                return "copied_files"
            return "generation" if found.generation != self._record.generation else super().sign(found)
        # No file, or that of an earlier version, whose position may have been rolled back, though it seldom was.
        if found.generation is not None or (self._announced is None and found.last):
            return "feed_file"
        return "position" if (self._announced or 0) > found.last else None
