"""Units of work on SQLite and on PostgreSQL behind one small interface.

On SQLite every reader has its own connection, and each process has one connection for writing. Its transactions begin
with `BEGIN IMMEDIATE`. So writers queue instead of failing with "database is locked": in a process for the connection,
between processes for the lock of the file. With WAL and synchronous=FULL, acknowledged commits survive a power cut.
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
"""PostgreSQL aborted a transaction in favour of another: serialization failure, deadlock."""
MAX_TRIES = 10
"""Maximum number of runs of a unit of work that the database aborts repeatedly."""
FIRST_PAUSE_SECONDS = 0.005
"""Longest pause before the second run. It doubles with each run, up to MAX_PAUSE_SECONDS."""
MAX_PAUSE_SECONDS = 0.3
SQLITE_READERS = 5
WAL_RETRY = 0.02
"""Seconds between two attempts to switch a file to WAL while another process has locked it."""

# Errors of asyncpg that SQLAlchemy maps to a general class. The classes are those of PostgreSQL's Appendix A: 08
# (connection), 28 (login refused), 3D (no such database), 3F (no such schema), 53 (resources), 55 (locked or in use),
# 57 (operator intervention), 58 (system error). Added to these: read-only databases, transactions that paused for too
# long, and conflicts that remain after all runs.
_UNAVAILABLE_STATES = ("08", "28", "3D", "3F", "53", "55", "57", "58", READ_ONLY, "25P03", *_CONFLICTS)


# Python maps these two to its most general class: the file is damaged, or it is not a database.
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
    # An internal error of the server, or of asyncpg on a connection that the server was just closing.
    if isinstance(error, InternalError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        # The low byte is the error code; the other bytes are details. Errors of the Python module itself have no code.
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        return isinstance(cause, sqlite3.OperationalError) or code in _UNAVAILABLE_CODES
    return is_stale(error) or _state(error).startswith((*_UNAVAILABLE_STATES, *CHANGED_STATES))


@contextmanager
def database_faults(*, is_logged: bool = True) -> Generator[None]:
    """Raise `database_unavailable` (503) if the database cannot be reached, or is full, locked or shutting down.

    is_logged: whether to log the reason; if not, the caller does.
    """
    try:
        yield
    except (DBAPIError, PoolTimeoutError, OSError, sqlite3.Error) as error:
        if not _is_unavailable(error):
            raise
        if isinstance(error, DatabaseFilesChanged):  # has been logged once
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
        return "the database was changed: a table, a column or a privilege is missing"
    return "the database cannot be reached"


_READ_ONLY = "The database takes no changes at the moment: it is read-only."


def _is_read_only_file(cause: BaseException) -> bool:
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY


_RANDOMNESS = SystemRandomness()


class Database:
    """One database with its pools on the running event loop. The pools are created on first use.

    url: sqlite+aiosqlite:///… or postgresql://…  pool_size: PostgreSQL connections per worker process.
    timeout: seconds to wait for a connection, a lock or an answer. files: the files of an SQLite database. address: the
    address of a PostgreSQL database. recorder: writes the audit events of transactions. by_transaction: the URL leads
    to a pooler in transaction mode. Raises BadUrl.
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
            # Reading uses no transactions. They would cost two more round trips, and a statement in one could not be
            # run again after a change of the schema. (On SQLite the engine for reading uses none either.) Through a
            # pooler in transaction mode, each statement needs one.
            self._reader = (
                self._writer if by_transaction else self._writer.execution_options(isolation_level="AUTOCOMMIT")
            )
            self._silence = connections.silence
        self._timeout = timeout
        self._writes: set[asyncio.Task[Any]] = set()
        # On SQLite, readers have connections of their own.
        shares = not self.is_sqlite and pool_size > 1
        self._writer_slots = asyncio.Semaphore(pool_size - max(1, pool_size // 5)) if shares else None

    @property
    def engine(self) -> AsyncEngine:
        """The engine for reading."""
        return self._reader

    def watched(self) -> AbstractContextManager[None]:
        """Return a context for statements that other objects send. If they wait long for an answer, the database is
        probed for silence. Entering the context raises the problem `database_unavailable` if the database is silent.
        """
        return nullcontext() if self._silence is None else self._silence.watched()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """Yield a session for reading. Each statement sees all data that was committed before it.

        Raises the problem `database_unavailable`, immediately if the database is known to be silent.
        """
        with self.watched(), database_faults():
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(tx, ...)` in one transaction, commit it and return the result. An exception rolls it back.

        If the caller is cancelled because its client disconnected, the transaction still completes: a user who logs out
        and closes the window is logged out. `work` runs again if the database aborted the transaction in favour of
        another. While a `DeferredCommit` is in force, `work` becomes part of its transaction. Raises the problem
        `database_unavailable`.
        """

        def bound(tx: Transaction) -> Awaitable[T]:
            return work(tx, *args, **kwargs)

        deferred = deferred_commit()
        if deferred is not None:
            with database_faults():
                return await deferred.write(bound)
        return await asyncio.shield(self.finish(self._retried(bound)))

    def defer_commit(self) -> DeferredCommit:
        """Return a transaction that collects all writes while it is in force, and commits on request."""
        return DeferredCommit(lambda work: self.finish(self._committed(work)), self._in_savepoint)

    def finish(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work` to its end, even if nobody waits for it. `close` waits for it, too."""
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
                    # The connections to a read-only server were dropped. A new one may lead to a writable server.
                    is_left = tried == 1 and _state(error) == READ_ONLY
                    if not is_left and not _is_worth_another_run(error):
                        raise
                await self._pause(tried)
            return await self._transaction(work)

    async def _committed(self, work: Work[T]) -> T:
        with self._noted(), database_faults():
            return await self._transaction(work, is_deferred=True)

    async def _pause(self, tried: int) -> None:
        """Wait for a random time, so that conflicting transactions do not conflict again."""
        longest = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tried - 1))
        await asyncio.sleep(longest * self._randomness.bytes(1)[0] / 255)

    @contextmanager
    def _noted(self) -> Generator[None]:
        """Note whether the database accepts writes, for `ping`."""
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
        """Run `work` so that nothing remains of it if it fails. Run it again if that may help."""
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
        """Take one of the slots for writers. There are fewer slots than connections, so that readers still get a
        connection while all writers wait for a lock. Raises TimeoutError.
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
            task.exception()  # marks it as retrieved, so that asyncio does not warn

    async def empty(self, keep: Collection[str]) -> None:
        """Delete all rows of all tables except those in `keep`; raises the problem `database_unavailable`."""
        await self.write(_delete_rows, keep)

    async def ping(self) -> None:
        """Check that the database can be read and written; raises the problem `database_unavailable`.

        This writes only if the last write failed, because only a write can show that writes work again.
        """
        if self._writes_fail:
            await self.write(_write_nothing)
        with self.watched(), database_faults():
            async with self._reader.connect() as connection:
                await connection.execute(_PING_SQLITE if self.is_sqlite else _ping_postgres())
                if self.is_sqlite:
                    await (await connection.get_raw_connection()).driver_connection.check_files()  # type: ignore[union-attr]

    async def close(self) -> None:
        """Wait for running transactions, then close all connections."""
        while self._writes:
            await asyncio.wait(self._writes)
        if self._silence is not None:
            await self._silence.stop()
        await self._reader.dispose()
        if self._writer is not self._reader:
            await self._writer.dispose()


# On SQLite, `SELECT 1` would not read the file.
_PING_SQLITE = text("SELECT 1 FROM sqlite_master LIMIT 1")


@cache
def _ping_postgres() -> TextClause:
    """Return a query that fails or waits under the same conditions as requests: a table or a column is missing or not
    readable, a table is locked, or the server is a standby or read-only. FOR UPDATE fails on such a server. It locks no
    row, because LIMIT is 0.
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
    """Return an engine on an SQLite file. begin: the statement that begins its transactions; None: no transactions.

    files: the files of an existing database. None: an empty database is created if there is none.
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
        # The driver begins no transactions. `_begin` below does this when SQLAlchemy begins one.
        connection.isolation_level = None
        connection.run_async(lambda driver: _write_ahead(driver, timeout))
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")  # deleted hashes and tokens do not stay in the file
        cursor.close()
        if files is not None:
            connection.run_async(lambda driver: driver.watch(files))

    if begin is not None:

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

    return engine


async def _open(mode: str, file: str, **kwargs: Any) -> aiosqlite.Connection:
    """Open a file. After a failure, end the thread; it could outlive the loop and print a traceback."""
    address = f"file:{quote(file)}?mode={mode}"
    connection = OneTripConnection(partial(sqlite3.connect, address, uri=True, **kwargs), iter_chunk_size=64)
    connection._thread.daemon = True
    try:
        return await connection
    except sqlite3.Error:
        connection._thread.join()
        raise


async def _write_ahead(driver: Any, timeout: float) -> None:
    """Switch the file to WAL. While another process does this, SQLite reports "busy" instead of waiting."""
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
    """Return whether a unique constraint refused the row, on either database."""
    state = getattr(error.orig, "sqlstate", None)
    return state == "23505" or "UNIQUE constraint failed" in str(error.orig)


def duplicated(error: IntegrityError) -> str:
    """Return the name or the columns of the unique constraint that refused the row; empty if none did."""
    if not is_duplicate(error):
        return ""
    # The language of PostgreSQL's message depends on lc_messages; the name of the constraint is a separate field.
    name = getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)
    if name:
        return str(name)
    # Values, if any, come later in the message.
    found = re.search(r'UNIQUE constraint failed: (\S+)|unique constraint "([^"]+)"', str(error.orig))
    return "" if found is None else found[1] or found[2]
