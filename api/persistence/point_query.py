"""One-row look-ups by key that stand on the way of every request."""

import sqlite3
from typing import Any
from urllib.parse import quote

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite as sqlite_dialect

from api.persistence.database import Database, database_faults


class PointQuery:
    """Does a row exist for this key?

    On SQLite the answer comes from a read-only connection on the event loop's own thread: an indexed look-up takes
    about 10 µs there, where handing it to a driver's thread and back costs some 300 µs. In WAL mode a reader never
    waits for a writer; should the file be busy all the same, the pooled connection is asked instead. On PostgreSQL it
    always is the pooled connection.
    """

    def __init__(self, database: Database, statement: Select[Any], parameter: str) -> None:
        self._database = database
        self._statement = statement
        self._parameter = parameter
        self._sql = str(statement.compile(dialect=sqlite_dialect.dialect()))
        # One statement needs no transaction around it, which would be two more round trips to PostgreSQL. (On SQLite
        # the engine for reading begins none.)
        engine = database.engine
        self._engine = engine if database.is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: sqlite3.Connection | None = None

    async def exists(self, key: str) -> bool:
        """Return whether the statement finds a row for `key`; raises the problem `database_unavailable`."""
        if self._database.is_sqlite:
            try:
                return self._exists_in_file(key)
            except sqlite3.DatabaseError:
                self.close()
        with database_faults():
            async with self._engine.connect() as connection:
                result = await connection.execute(self._statement, {self._parameter: key})
                return result.first() is not None

    def _exists_in_file(self, key: str) -> bool:
        if self._connection is None:
            self._connection = sqlite3.connect(
                f"file:{quote(self._database.url.database or '')}?mode=ro",
                uri=True,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
        return self._connection.execute(self._sql, (key,)).fetchone() is not None

    def close(self) -> None:
        """Close the connection; the next look-up opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
