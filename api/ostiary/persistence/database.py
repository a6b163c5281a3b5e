"""Units of work on SQLite and on PostgreSQL behind one small interface.

SQLite: readers each have a connection; there is one writing connection in a process and its transactions begin with
`BEGIN IMMEDIATE`, so that writers queue (in the process for the connection, among processes for the file's lock)
instead of failing with "database is locked". WAL and synchronous=FULL: what was acknowledged survives a power cut.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Generator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import cache, partial
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

import aiosqlite
import structlog
from sqlalchemy import TextClause, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.core.randomness import Randomness, SystemRandomness
from ostiary.persistence.base import Base
from ostiary.persistence.deferred_commit import DeferredCommit, deferred_commit
from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.persistence.postgres_connections import CHANGED_STATES, READ_ONLY, PostgresConnections
from ostiary.persistence.postgres_session import is_stale
from ostiary.persistence.postgres_url import is_postgres
from ostiary.persistence.silence import Silence
from ostiary.persistence.sqlite_driver import OneTripConnection
from ostiary.persistence.sqlite_files import DatabaseFilesChanged, SqliteFiles
from ostiary.persistence.transaction import Recorder, Transaction, TransactionState

T = TypeVar("T")
P = ParamSpec("P")
Work = Callable[[Transaction], Awaitable[T]]
log = structlog.stdlib.get_logger(__name__)

_CONFLICTS = ("40001", "40P01")
"""PostgreSQL gave up a transaction for the sake of another: serialization failure, deadlock."""
MAX_TRIES = 10
"""Runs of a unit of work that the database gives up again and again."""
FIRST_PAUSE_SECONDS = 0.005
"""Longest pause before the second run; it doubles each time, up to MAX_PAUSE_SECONDS."""
MAX_PAUSE_SECONDS = 0.3
SQLITE_READERS = 5
WAL_RETRY = 0.02
"""Seconds between two attempts to turn a file to WAL that another process has locked."""

# What asyncpg raises that SQLAlchemy files under a general class. Classes of PostgreSQL's Appendix A: 08 (connection),
# 28 (login refused), 3D (no such database), 3F (no such schema), 53 (resources), 55 (locked or in use), 57 (operator
# intervention), 58 (system error); read-only standbys, a transaction that paused for too long; and conflicts that did
# not end.
_UNAVAILABLE_STATES = ("08", "28", "3D", "3F", "53", "55", "57", "58", READ_ONLY, "25P03", *_CONFLICTS)


# SQLite files these two under its most general class: the file is damaged, or is no database.
_UNAVAILABLE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _state(error: BaseException) -> str:
    """Return the SQLSTATE of an error, as SQLAlchemy or the driver raises it; empty if it has none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")


def _is_worth_another_run(error: BaseException) -> bool:
    return _state(error) in _CONFLICTS or is_stale(error)


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
    return is_stale(error) or _state(error).startswith((*_UNAVAILABLE_STATES, *CHANGED_STATES))


@contextmanager
def database_faults(*, is_logged: bool = True) -> Generator[None]:
    """Turn a database that cannot be reached (or is full, locked, shutting down) into `database_unavailable` (503).

    is_logged: whether a line in the log says why; otherwise it is left to the caller.
    """
    try:
        yield
    except (DBAPIError, PoolTimeoutError, OSError, sqlite3.Error) as error:
        if not _is_unavailable(error):
            raise
        if isinstance(error, DatabaseFilesChanged):  # logged, once
            raise DATABASE_UNAVAILABLE("The database takes no changes at the moment.") from error
        cause = getattr(error, "orig", None) or error
        is_read_only = _state(error) == READ_ONLY or _is_read_only_file(cause)
        if is_logged:
            log.error(_event(error, is_read_only=is_read_only), cause=f"{type(cause).__name__}: {str(cause)[:300]}")
        raise (DATABASE_UNAVAILABLE(_READ_ONLY) if is_read_only else DATABASE_UNAVAILABLE()) from error


def _event(error: BaseException, *, is_read_only: bool) -> str:
    if is_read_only:
        return "the database is read-only"
    if _state(error) in CHANGED_STATES:
        return "the database is not as this version left it: a table, a column or a privilege is gone"
    return "the database cannot be reached"


_READ_ONLY = "The database takes no changes at the moment: it is read-only."


def _is_read_only_file(cause: BaseException) -> bool:
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY


_RANDOMNESS = SystemRandomness()


class Database:
    """One database, with its pools on the running event loop; the pools are made with their first use.

    url: sqlite+aiosqlite:///… or postgresql://…  pool_size: PostgreSQL connections for each worker process.
    timeout: seconds to wait for a connection, a lock or an answer. files: those of an SQLite database. address: that of
    a PostgreSQL database. recorder: writes the audit events of transactions. by_transaction: a pooler there gives out
    server connections by the transaction. Raises BadUrl.
    """

    def __init__(
        self,
        url: str,
        pool_size: int,
        timeout: float,
        randomness: Randomness = _RANDOMNESS,
        *,
        recorder: Recorder | None = None,
        by_transaction: bool = False,
    ) -> None:
        self._recorder = recorder
        self.is_sqlite = not is_postgres(url)
        self.files: SqliteFiles | None = None
        self._randomness = randomness
        self._silence: Silence | None = None
        self._writes_fail = False
        self.address: PostgresAddress | None = None
        if self.is_sqlite:
            self.url = make_url(url)
            self.files = SqliteFiles(self.url.database or "")
            self._reader = sqlite_engine(self.url, timeout, SQLITE_READERS, None, self.files)
            self._writer = sqlite_engine(self.url, timeout, 1, "BEGIN IMMEDIATE", self.files)
        else:
            self.address = PostgresAddress(url, timeout)
            connections = PostgresConnections(self.address, timeout, pool_size, by_transaction=by_transaction)
            self._writer = connections.engine
            # A transaction around what is read would be two more round trips, and a statement in it could not be run
            # again when the schema has changed. (On SQLite the engine for reading begins none either.)
            # Through a pooler that gives out server connections by the transaction, each statement needs one.
            self._reader = (
                self._writer if by_transaction else self._writer.execution_options(isolation_level="AUTOCOMMIT")
            )
            self._silence = connections.silence
        self._timeout = timeout
        self._writes: set[asyncio.Task[Any]] = set()
        # On SQLite the readers have connections of their own.
        shares = not self.is_sqlite and pool_size > 1
        self._writer_slots = asyncio.Semaphore(pool_size - max(1, pool_size // 5)) if shares else None

    @property
    def engine(self) -> AsyncEngine:
        """The engine for reading."""
        return self._reader

    def watched(self) -> AbstractContextManager[None]:
        """Return a context for statements that are not sent by this object: where they are not answered for long, the
        database may turn out to be silent. Entering it raises the problem `database_unavailable` when it is.
        """
        return nullcontext() if self._silence is None else self._silence.watched()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """Give a session for reading, each statement of which sees what is committed by then.

        Raises the problem `database_unavailable`, at once if the database is known to be silent.
        """
        with self.watched(), database_faults():
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(tx, ...)` in one transaction, commit it and return the result. An exception rolls it back.

        If the caller is cancelled because its client disconnected, the transaction still runs to its end: a user who
        logs out and closes the window is logged out. `work` runs again if the database gave the transaction up in
        favour of another. While a `DeferredCommit` is in force, `work` becomes a part of its transaction. Raises the
        problem `database_unavailable`.
        """

        def bound(tx: Transaction) -> Awaitable[T]:
            return work(tx, *args, **kwargs)

        deferred = deferred_commit()
        if deferred is not None:
            with database_faults():
                return await deferred.write(bound)
        return await asyncio.shield(self.finish(self._retried(bound)))

    def defer_commit(self) -> DeferredCommit:
        """Return a transaction for all writes while it is in force, whose commit waits for what is known last."""
        return DeferredCommit(lambda work: self.finish(self._committed(work)), self._in_savepoint)

    def finish(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work` to its end, whoever waits for it; `close` waits for it, too."""
        task = asyncio.ensure_future(work)
        self._writes.add(task)
        task.add_done_callback(self._finished)
        return task

    async def _retried(self, work: Work[T]) -> T:
        with self._noted(), database_faults():
            for tried in range(1, MAX_TRIES):
                try:
                    return await self._transaction(work)
                except DBAPIError as error:
                    # A server that has become read-only was left: a new connection may lead to one that is not.
                    is_left = tried == 1 and _state(error) == READ_ONLY
                    if not is_left and not _is_worth_another_run(error):
                        raise
                await self._pause(tried)
            return await self._transaction(work)

    async def _committed(self, work: Work[T]) -> T:
        with self._noted(), database_faults():
            return await self._transaction(work, is_deferred=True)

    async def _pause(self, tried: int) -> None:
        """Wait for a random time, so that those who were in each other's way do not meet again."""
        longest = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tried - 1))
        await asyncio.sleep(longest * self._randomness.bytes(1)[0] / 255)

    @contextmanager
    def _noted(self) -> Generator[None]:
        """Note whether the database takes writes, for `ping`."""
        try:
            yield
        except Problem as problem:
            if problem.kind is DATABASE_UNAVAILABLE:
                self._writes_fail = True
            raise
        self._writes_fail = False

    async def _transaction(self, work: Work[T], *, is_deferred: bool = False) -> T:
        with self.watched():
            async with (
                self._writer_slot(),
                AsyncSession(self._writer, expire_on_commit=False) as session,
                session.begin(),
            ):
                state = TransactionState(session, self._recorder, self.is_sqlite)
                tx = Transaction(state)
                result = await work(tx)
                for step in state.before_commit:
                    await (self._in_savepoint(tx, step) if is_deferred else step(tx))
        for call in state.after_commit:
            call()
        return result

    async def _in_savepoint(self, tx: Transaction, work: Work[T]) -> T:
        """Run `work` so that it leaves nothing behind if it fails; once more where that may help."""
        for tried in range(1, MAX_TRIES + 1):
            try:
                async with tx.savepoint():
                    return await work(tx)
            except Exception as error:
                if tried == MAX_TRIES or not _is_worth_another_run(error):
                    raise
            await self._pause(tried)
        raise AssertionError

    @asynccontextmanager
    async def _writer_slot(self) -> AsyncGenerator[None]:
        """Take one of the places for writers, which are fewer than there are connections: when all writers wait for a
        lock, readers still find a connection. Raises TimeoutError.
        """
        if self._writer_slots is None:
            yield
            return
        async with asyncio.timeout(self._timeout):
            await self._writer_slots.acquire()
        try:
            yield
        finally:
            self._writer_slots.release()

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that an abandoned failure is no warning

    async def empty(self, keep: Collection[str]) -> None:
        """Delete every row of every table but those named in `keep`; raises the problem `database_unavailable`."""
        await self.write(_delete_rows, keep)

    async def ping(self) -> None:
        """Return if the database can be read and written; raises the problem `database_unavailable`.

        Writes nothing, except where the last write was refused: only a write can tell whether the next one will be.
        """
        if self._writes_fail:
            await self.write(_write_nothing)
        with self.watched(), database_faults():
            async with self._reader.connect() as connection:
                await connection.execute(_PING_SQLITE if self.is_sqlite else _ping_postgres())
                if self.is_sqlite:
                    await (await connection.get_raw_connection()).driver_connection.check_files()  # type: ignore[union-attr]

    async def close(self) -> None:
        """Wait for transactions under way, then close all connections."""
        while self._writes:
            await asyncio.wait(self._writes)
        if self._silence is not None:
            await self._silence.stop()
        await self._reader.dispose()
        if self._writer is not self._reader:
            await self._writer.dispose()


# On SQLite a constant would be answered without a look at the file.
_PING_SQLITE = text("SELECT 1 FROM sqlite_master LIMIT 1")


@cache
def _ping_postgres() -> TextClause:
    """Return a query that fails, or waits, wherever what requests need would: a table or a column is gone or may not be
    read, a table is locked, the server is a standby or read-only. FOR UPDATE is refused there, and here locks no row.
    """

    def columns(table: str) -> str:
        return ", ".join(f'"{column.name}"' for column in Base.metadata.tables[table].columns)

    others = sorted(Base.metadata.tables.keys() - {_WRITTEN})
    asked = "".join(f"(SELECT ROW({columns(table)}) IS NULL FROM {table} LIMIT 0), " for table in others)  # noqa: S608
    return text(f"SELECT {asked}ROW({columns(_WRITTEN)}) IS NULL FROM {_WRITTEN} LIMIT 0 FOR UPDATE")  # noqa: S608


_WRITTEN = "users"


async def _delete_rows(tx: Transaction, keep: Collection[str]) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        if table.name not in keep:
            await tx.session.execute(table.delete())


async def _write_nothing(tx: Transaction) -> None:
    await tx.session.execute(text("UPDATE alembic_version SET version_num = version_num"))


def sqlite_engine(
    url: URL, timeout: float, connections: int, begin: str | None, files: SqliteFiles | None
) -> AsyncEngine:
    """Return an engine on an SQLite file whose transactions begin with the statement `begin`; None: without them.

    files: those of a database that is there. None: where there is none, an empty one is created.
    """
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=timeout,
        hide_parameters=True,
        connect_args={"timeout": timeout, "async_creator_fn": partial(_open, "rwc" if files is None else "rw")},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _entry: ConnectionPoolEntry) -> None:
        # The driver opens no transactions of its own; `begin` below does, when SQLAlchemy says so.
        connection.isolation_level = None
        connection.run_async(lambda driver: _write_ahead(driver, timeout))
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")  # no deleted hash or token stays in the file
        cursor.close()
        if files is not None:
            connection.run_async(lambda driver: driver.watch(files))

    if begin is not None:

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

    return engine


async def _open(mode: str, file: str, **kwargs: Any) -> aiosqlite.Connection:
    """Open a file; after a failure its thread has ended, which else might outlive the loop and print a traceback."""
    address = f"file:{quote(file)}?mode={mode}"
    connection = OneTripConnection(partial(sqlite3.connect, address, uri=True, **kwargs), iter_chunk_size=64)
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


def is_duplicate(error: IntegrityError) -> bool:
    """Return whether a unique constraint refused the row (on either database)."""
    state = getattr(error.orig, "sqlstate", None)
    return state == "23505" or "UNIQUE constraint failed" in str(error.orig)


def duplicated(error: IntegrityError) -> str:
    """Return what names the unique constraint that refused the row: its name or its columns. Empty if none did."""
    if not is_duplicate(error):
        return ""
    # PostgreSQL's message is in the language that its lc_messages names; the name comes beside it.
    name = getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)
    if name:
        return str(name)
    # Values come later in the message, if at all.
    found = re.search(r'UNIQUE constraint failed: (\S+)|unique constraint "([^"]+)"', str(error.orig))
    return "" if found is None else found[1] or found[2]
