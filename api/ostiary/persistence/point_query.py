"""One-row look-ups by key that stand on the way of a request."""

import sqlite3
from typing import Any

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.dialects import sqlite as sqlite_dialect

from ostiary.persistence.database import Database, database_faults
from ostiary.persistence.local_reader import LocalReader


class PointQuery:
    """Does a row exist for these values of the statement's parameters?

    On SQLite the answer comes from a connection on the event loop's own thread (see LocalReader); should the file be
    busy, the pooled connection is asked instead. On PostgreSQL it always is the pooled connection.
    """

    def __init__(self, database: Database, statement: Select[Any] | CompoundSelect[Any]) -> None:
        self._database = database
        self._statement = statement
        self._reader = None if database.files is None else LocalReader(database.url, database.files)
        self._sql = str(statement.compile(dialect=sqlite_dialect.dialect(paramstyle="named")))
        self._engine = database.engine

    async def exists(self, **values: Any) -> bool:
        """Return whether the statement finds a row; raises the problem `database_unavailable`."""
        if self._reader is not None:
            try:
                return bool(self._reader.rows(self._sql, values))
            except sqlite3.DatabaseError:
                pass  # the pooled connection waits its turn, or tells what is wrong
        with self._database.watched(), database_faults():
            async with self._engine.connect() as connection:
                result = await connection.execute(self._statement, values)
                return result.first() is not None

    def close(self) -> None:
        """Close the connection; the next look-up opens another."""
        if self._reader is not None:
            self._reader.close()
