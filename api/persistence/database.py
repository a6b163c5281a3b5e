"""Units of work on SQLite and on PostgreSQL behind one small interface.

SQLite: readers each have a connection; there is one writing connection in a process and its transactions begin with
`BEGIN IMMEDIATE`, so that writers queue (in the process for the connection, among processes for the file's lock)
instead of failing with "database is locked". WAL and synchronous=FULL: what was acknowledged survives a power cut.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Literal, TypeVar

import aiosqlite
import structlog
from sqlalchemy import event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from api.core.problems import DATABASE_UNAVAILABLE
from api.persistence.base import Base
from api.persistence.held_commit import HeldCommit, held_commit
from api.persistence.sqlite_driver import OneTripConnection

T = TypeVar("T")
log = structlog.stdlib.get_logger(__name__)

Queue = Literal["first", "last"]
_QUEUES: dict[Queue, int] = {"first": 7095478, "last": 7095479}
_IN_ORDER = text("SELECT pg_advisory_xact_lock(:queue)")
_BEFORE_COMMIT = "ostiary.before_commit"
_CONFLICTS = ("40001", "40P01")
"""PostgreSQL gave up a transaction for the sake of another: serialization failure, deadlock."""
MOST_TRIES = 4
SQLITE_READERS = 5
WAL_RETRY = 0.02
"""Seconds between two attempts to turn a file to WAL that another process has locked."""

# What asyncpg raises that SQLAlchemy files under a general class. Classes of PostgreSQL's Appendix A: 08 (connection),
# 28 (log-in refused), 3D (no such database), 53 (resources), 55 (locked or in use), 57 (operator intervention), 58
# (system error); and read-only standbys.
_UNAVAILABLE_STATES = ("08", "28", "3D", "53", "55", "57", "58", "25006")


# SQLite files these two under its most general class: the file is damaged, or is no database.
_UNAVAILABLE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_unavailable(error: BaseException) -> bool:
    if isinstance(error, PoolTimeoutError | OSError):  # asyncio's timeouts are OSErrors
        return True
    # The server's own fault, or asyncpg's, which has asked on a connection that the server was just ending.
    if isinstance(error, InternalError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        # The low byte is the error, the others say more about it; none on what the Python module itself refuses.
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        return isinstance(cause, sqlite3.OperationalError) or code in _UNAVAILABLE_CODES
    return str(getattr(cause, "sqlstate", None)).startswith(_UNAVAILABLE_STATES)


@contextmanager
def database_faults() -> Generator[None]:
    """Turn a database that cannot be reached (or is full, locked, shutting down) into `database_unavailable` (503)."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError, OSError, sqlite3.Error) as error:
        if not _is_unavailable(error):
            raise
        cause = getattr(error, "orig", None) or error
        log.error("the database cannot be reached", cause=f"{type(cause).__name__}: {str(cause)[:300]}")
        raise DATABASE_UNAVAILABLE() from error


class Database:
    """One database, with its pools on the running event loop; the pools are made with their first use.

    url: sqlite+aiosqlite:///… or postgresql+asyncpg://…  pool_size: PostgreSQL connections for each worker process.
    timeout: seconds to wait for a connection, a lock or an answer.
    """

    def __init__(self, url: str, pool_size: int, timeout: float) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._reader = sqlite_engine(self.url, timeout, SQLITE_READERS, None)
            self._writer = sqlite_engine(self.url, timeout, 1, "BEGIN IMMEDIATE")
        else:
            self._reader = self._writer = _postgres_engine(self.url, timeout, pool_size)
        self._writes: set[asyncio.Task[Any]] = set()

    @property
    def engine(self) -> AsyncEngine:
        """The engine for reading."""
        return self._reader

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """Give a session for reading, each statement of which sees what is committed by then.

        Raises the problem `database_unavailable`.
        """
        with database_faults():
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session

    async def write(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run `work` in one transaction and commit it; an exception rolls it back and comes through.

        A caller that is cancelled (its client went away) leaves the transaction to finish by itself: somebody who logs
        out and closes the window is logged out. `work` is run again if the database gave the transaction up for
        another's sake. While a `HeldCommit` is in force, `work` becomes a part of its transaction. Raises the problem
        `database_unavailable`.
        """
        held = held_commit()
        if held is not None:
            with database_faults():
                return await held.write(work)
        return await asyncio.shield(self._start(self._retried(work)))

    def hold(self) -> HeldCommit:
        """Return a transaction for all writes while it is in force, whose commit waits for what is known last."""
        return HeldCommit(lambda work: self._start(self._transaction(work)))

    def _start(self, transaction: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.ensure_future(transaction)
        self._writes.add(task)
        task.add_done_callback(self._finished)
        return task

    async def _retried(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        for _ in range(MOST_TRIES - 1):
            try:
                return await self._transaction(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _CONFLICTS:
                    raise
        return await self._transaction(work)

    async def _transaction(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        with database_faults():
            async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                result = await work(session)
                for last in session.info.pop(_BEFORE_COMMIT, ()):
                    await last(session)
                return result

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that an abandoned failure is no warning

    async def in_order(self, session: AsyncSession, queue: Queue) -> None:
        """Let the rest of this transaction be alone with what else asks for the same queue, up to its commit.

        What it inserts then has a higher number than all that others have committed. `first` is asked for before
        anything else in a transaction, `last` after everything else: so nobody waits in a circle. On SQLite every
        writing transaction is alone anyway.
        """
        if not self.is_sqlite:
            await session.execute(_IN_ORDER, {"queue": _QUEUES[queue]})

    @staticmethod
    def before_commit(session: AsyncSession, work: Callable[[AsyncSession], Awaitable[None]]) -> None:
        """Have `work` done as the last thing in the transaction that `write` has begun with `session`."""
        session.info.setdefault(_BEFORE_COMMIT, []).append(work)

    async def empty(self, keep: Collection[str]) -> None:
        """Delete every row of every table but those named in `keep`; raises the problem `database_unavailable`."""

        async def delete_rows(session: AsyncSession) -> None:
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in keep:
                    await session.execute(table.delete())

        await self.write(delete_rows)

    async def ping(self) -> None:
        """Ask the database for a row; raises the problem `database_unavailable`."""
        # On SQLite a constant would be answered without a look at the file.
        query = text("SELECT 1 FROM sqlite_master LIMIT 1" if self.is_sqlite else "SELECT 1")
        with database_faults():
            async with self._reader.connect() as connection:
                await connection.execute(query)

    async def close(self) -> None:
        """Wait for transactions under way, then close all connections."""
        while self._writes:
            await asyncio.wait(self._writes)
        await self._reader.dispose()
        if self._writer is not self._reader:
            await self._writer.dispose()


def sqlite_engine(url: URL, timeout: float, connections: int, begin: str | None) -> AsyncEngine:
    """Return an engine on an SQLite file whose transactions begin with the statement `begin`; None: without them."""
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=timeout,
        hide_parameters=True,
        connect_args={"timeout": timeout, "async_creator_fn": _open},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _entry: ConnectionPoolEntry) -> None:
        # The driver opens no transactions of its own; `begin` below does, when SQLAlchemy says so.
        connection.isolation_level = None
        connection.run_async(lambda driver: _write_ahead(driver, timeout))
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    if begin is not None:

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

    return engine


async def _open(*args: Any, **kwargs: Any) -> aiosqlite.Connection:
    """Open a file; after a failure its thread has ended, which else might outlive the loop and print a traceback."""
    connection = OneTripConnection(partial(sqlite3.connect, *args, **kwargs), iter_chunk_size=64)
    connection._thread.daemon = True
    try:
        return await connection
    except sqlite3.Error:
        connection._thread.join()
        raise


async def _write_ahead(driver: Any, timeout: float) -> None:
    """Turn the file to WAL; while another process does so too, SQLite says "busy" at once instead of waiting."""
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        try:
            async with driver.execute("PRAGMA journal_mode=WAL"):
                return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or asyncio.get_running_loop().time() >= deadline:
                raise
        await asyncio.sleep(WAL_RETRY)


def _postgres_engine(url: URL, timeout: float, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"timeout": timeout, "command_timeout": timeout},
    )


def lacks_parent(error: IntegrityError) -> bool:
    """Return whether a foreign key refused the row (on either database): what it belongs to is gone."""
    state = getattr(error.orig, "sqlstate", None)
    return state == "23503" or "FOREIGN KEY constraint failed" in str(error.orig)


def is_duplicate(error: IntegrityError) -> bool:
    """Return whether a unique constraint refused the row (on either database)."""
    state = getattr(error.orig, "sqlstate", None)
    return state == "23505" or "UNIQUE constraint failed" in str(error.orig)


def duplicated(error: IntegrityError) -> str:
    """Return what names the unique constraint that refused the row: its name or its columns. Empty if none did."""
    if not is_duplicate(error):
        return ""
    # Values come later in the message, if at all.
    found = re.search(r'UNIQUE constraint failed: (\S+)|unique constraint "([^"]+)"', str(error.orig))
    return "" if found is None else found[1] or found[2]
