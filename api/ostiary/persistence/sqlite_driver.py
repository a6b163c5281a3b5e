"""aiosqlite with one hand-off to the connection's thread per statement; its own cursor needs four.

Passing a call to another thread and waiting for it costs more than most of our statements. SQLAlchemy opens a cursor,
executes, fetches all rows and closes the cursor. Each step is a hand-off in aiosqlite; here one hand-off does all four.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import aiosqlite

from ostiary.persistence.sqlite_files import Identity, SqliteFiles


class OneTripConnection(aiosqlite.Connection):
    """A connection for SQLAlchemy. Its cursors hold all rows, and unnecessary rollbacks are skipped."""

    _is_idle = True
    _files: SqliteFiles | None = None
    _opened: dict[str, Identity]

    async def watch(self, files: SqliteFiles) -> None:
        """From now on, refuse to commit if the open files are no longer the files at the paths of `files`."""
        self._opened = await self._execute(_look, self._conn, files)
        self._files = files

    async def check_files(self) -> None:
        """Check that the files are still in place; raises DatabaseFilesChanged."""
        if self._files is not None:
            await self._execute(self._files.check, self._opened)

    async def commit(self) -> None:
        """Commit the transaction. Raises DatabaseFilesChanged and then leaves the transaction open."""
        if self._files is None:
            await super().commit()
        else:
            await self._execute(_commit, self._conn, self._files, self._opened)

    def cursor(self) -> "OneTripCursor":  # type: ignore[override]
        """Return a cursor. This needs no hand-off."""
        return OneTripCursor(self)

    async def rollback(self) -> None:
        """Roll back the transaction. If there is none, as after every commit and every read, return at once."""
        # The call of a cancelled caller may still be in the queue, with an unknown result.
        if not self._is_idle or self._conn.in_transaction:
            await super().rollback()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._is_idle = False
        try:
            result = await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        except Exception:  # but not for cancellation
            self._is_idle = True
            raise
        self._is_idle = True
        return result

    async def statement(self, run: str, sql: str, parameters: Iterable[Any]) -> "Outcome":
        """Execute `sql` with the method `run` of a cursor, on the connection's thread."""
        outcome: Outcome = await self._execute(_run, self._conn, run, sql, parameters)
        return outcome


def _look(connection: sqlite3.Connection, files: SqliteFiles) -> dict[str, Identity]:
    # In WAL mode, the first read opens or creates the two files next to the database.
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    return files.opened()


def _commit(connection: sqlite3.Connection, files: SqliteFiles, opened: dict[str, Identity]) -> None:
    files.check(opened)
    connection.commit()


class Outcome:
    """The result of a statement. The cursor is closed already."""

    __slots__ = ("description", "lastrowid", "rowcount", "rows")

    def __init__(self, cursor: sqlite3.Cursor | None = None) -> None:
        self.description = None if cursor is None else cursor.description
        self.rows: list[Any] = [] if cursor is None or cursor.description is None else cursor.fetchall()
        self.rowcount = -1 if cursor is None else cursor.rowcount
        self.lastrowid = None if cursor is None else cursor.lastrowid


def _run(connection: sqlite3.Connection, run: str, sql: str, parameters: Iterable[Any]) -> Outcome:
    cursor = connection.cursor()
    try:
        getattr(cursor, run)(sql, parameters)
        return Outcome(cursor)  # fetches all rows, so that rowcount is right
    finally:
        cursor.close()


class OneTripCursor:
    """The interface that SQLAlchemy needs of an asynchronous cursor."""

    arraysize = 1

    def __init__(self, connection: OneTripConnection) -> None:
        self._connection = connection
        self._outcome = Outcome()

    async def __aenter__(self) -> Self:
        """Return the cursor. Nothing else is to do."""
        return self

    @property
    def description(self) -> Any:
        """The columns of the rows; None for a statement without rows."""
        return self._outcome.description

    @property
    def rowcount(self) -> int:
        """The number of rows written; -1 for a statement that does not write."""
        return self._outcome.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The rowid of the row inserted last."""
        return self._outcome.lastrowid

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute a statement and fetch its rows."""
        self._outcome = await self._connection.statement("execute", sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Execute a statement once for each of `parameters`."""
        self._outcome = await self._connection.statement("executemany", sql, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        """Return the rows."""
        return self._outcome.rows

    async def close(self) -> None:
        """Do nothing: the real cursor is closed already."""
