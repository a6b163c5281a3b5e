"""How a worker follows the revocation feed: by looking at the file on SQLite, by being told on PostgreSQL."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import structlog
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.problems import Problem
from api.features.revocation.memory import Entry
from api.features.revocation.models import RevocationRow
from api.persistence.database import Database
from api.persistence.local_reader import LocalReader
from api.persistence.number_file import NumberFile

log = structlog.stdlib.get_logger(__name__)

Apply = Callable[[list[Entry]], None]
"""Takes entries that are new, in their order."""

_SQLITE = "SELECT seq, kind, subject, expires_at FROM revocations WHERE seq > ? ORDER BY seq LIMIT ?"
_POSTGRES = "SELECT seq, kind, subject, expires_at FROM revocations WHERE seq > $1 ORDER BY seq LIMIT $2"
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'revocations'"
_POSITION = text("SELECT max(seq), pg_notify(:channel, '') FROM revocations")
_LISTENING = text(
    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE :name"
)
AT_ONCE = 2_000
"""Entries read without a pause: some 10 ms on the event loop."""

FEED = "-feed"
"""Added to the name of an SQLite database: the file with the position that was announced."""
LOOK_ANYWAY = 1.0
"""Seconds after which a worker looks into the feed although its position is the announced one: somebody may have
deleted that file, or put another in its place."""

CHANNEL = "ostiary_revocations"
ACKNOWLEDGED = "ostiary_revocations_seen"
APPLICATION = "ostiary feed "
"""How the connections that listen call themselves in pg_stat_activity, each with an id of its own."""
HEARTBEAT = 1.0
"""Seconds between two questions whether the connection still lives and nothing was missed."""
PATIENCE = 3.0
"""Seconds after the last answer from which on the worker asks the database for each request."""
RETRY = 0.5
"""Seconds between two tries to connect."""


def _now() -> float:
    """Return the loop's own time in seconds, which nobody moves."""
    return asyncio.get_running_loop().time()


class Follower(Protocol):
    """Keeps the memory of one worker up to date."""

    def is_current(self) -> bool:
        """Return whether everything committed so far is known; on SQLite read it first, if there is more."""
        ...

    async def start(self) -> None:
        """Begin to follow; raises the problem `database_unavailable` where that cannot be done later."""
        ...

    async def announce(self, session: AsyncSession) -> int:
        """Tell the other workers, in the transaction of `session`, that it has added entries; return the position of
        the last one.
        """
        ...

    async def others_have_seen(self, position: int) -> None:
        """Wait until the other workers know the entry at `position`, or are known not to be current."""
        ...

    async def stop(self) -> None:
        """Let go of what is open."""
        ...


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
        now = _now()
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
        entries = self._reader.rows(_SQLITE, (self._position, AT_ONCE))
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
                await self._database.write(self._announce_last)

    async def announce(self, session: AsyncSession) -> int:
        """Say up to where there will be entries once this transaction, which has added some, is committed."""
        position: int = await session.scalar(select(func.max(RevocationRow.seq))) or 0
        self._announced.set(position)
        return position

    async def _announce_last(self, session: AsyncSession) -> None:
        self._announced.set(await session.scalar(text(_LAST)) or 0)

    async def others_have_seen(self, position: int) -> None:
        """Return: they look at the file."""

    async def stop(self) -> None:
        """Close the files."""
        if self._behind is not None:
            self._behind.cancel()
        self._reader.close()
        self._announced.close()


class PostgresFollower:
    """Is told by LISTEN/NOTIFY. While that connection is down, or silent for too long, the worker is not current.

    Who has seen an entry says so on a second channel, so that a log-out is answered only when no worker accepts the
    token any more. name: an id for this worker's connection. timeout: seconds to wait for a connection.
    """

    def __init__(self, database: Database, apply: Apply, name: str, timeout: float) -> None:
        self._database = database
        self._address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._apply = apply
        self._name = APPLICATION + name
        self._timeout = timeout
        self._position = 0
        self._told = 0
        self._read_up_to = 0
        self._confirmed = float("-inf")
        self._wake = asyncio.Event()
        self._seen_by: dict[str, int] = {}
        self._seen = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    def is_current(self) -> bool:
        """Return whether the connection has answered lately, and has said nothing that is not read yet."""
        return self._told == self._read_up_to and _now() - self._confirmed < PATIENCE

    async def start(self) -> None:
        """Begin to listen; return after the first try, whether it has succeeded or not."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())
        await self._tried.wait()

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning(
                    "revocations are not pushed at the moment; asking the database for each request",
                    cause=f"{type(error).__name__}: {str(error)[:300]}",
                )
            finally:
                self._confirmed = float("-inf")
                self._tried.set()
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._address,
            timeout=self._timeout,
            command_timeout=PATIENCE,
            server_settings={"application_name": self._name},
        )
        try:
            await connection.add_listener(CHANNEL, self._notified)
            await connection.add_listener(ACKNOWLEDGED, self._acknowledged)
            while True:
                self._wake.clear()
                await self._read(connection)
                self._tried.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), HEARTBEAT)
        finally:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1)

    async def _read(self, connection: Any) -> None:
        asked, told, before = _now(), self._told, self._position
        while rows := await connection.fetch(_POSTGRES, self._position, AT_ONCE):
            self._apply([tuple(row) for row in rows])
            self._position = rows[-1]["seq"]
        self._confirmed = asked
        self._read_up_to = told
        if self._position != before:
            await connection.execute("SELECT pg_notify($1, $2)", ACKNOWLEDGED, f"{self._position} {self._name}")

    async def announce(self, session: AsyncSession) -> int:
        """Notify the channel when the transaction is committed."""
        position: int = await session.scalar(_POSITION, {"channel": CHANNEL})
        return position

    def _notified(self, *_: object) -> None:
        self._told += 1
        self._wake.set()

    def _acknowledged(self, _connection: Any, _pid: int, _channel: str, said: object) -> None:
        position, _, name = str(said).partition(" ")
        self._seen_by[name] = int(position)
        self._seen.set()

    async def others_have_seen(self, position: int) -> None:
        """Wait until every connection that listens has said that it knows the entry at `position`.

        It takes some ms. One that stays silent is no longer waited for when its worker, for want of an answer from the
        database, has begun to ask it for each request.
        """
        deadline = _now() + PATIENCE
        while waited_for := await self._not_yet(position):
            self._seen.clear()
            if not self._unseen(waited_for, position):
                continue
            try:
                await asyncio.wait_for(self._seen.wait(), deadline - _now())
            except TimeoutError:
                log.warning("some workers did not say that they know a revocation", workers=len(waited_for))
                return

    async def _not_yet(self, position: int) -> list[str]:
        async with self._database.read() as session:
            listening = list(await session.scalars(_LISTENING, {"name": f"{APPLICATION}%"}))
        self._seen_by = {name: seen for name, seen in self._seen_by.items() if name in listening}
        return self._unseen(listening, position)

    def _unseen(self, names: list[str], position: int) -> list[str]:
        return [name for name in names if self._seen_by.get(name, 0) < position]
