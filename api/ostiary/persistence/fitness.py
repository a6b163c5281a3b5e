"""Whether a database can hold what this version keeps in it; asked once, at the start."""

import sqlite3
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

log = structlog.stdlib.get_logger(__name__)

MIN_POSTGRES = 130000
"""The oldest version of PostgreSQL, as its `server_version_num`."""
MIN_SQLITE = (3, 35, 0)
"""The first version of SQLite with RETURNING."""
REMAINS = ("-wal", "-feed")
"""Files beside an SQLite database that outlive it when it alone is removed. The first may hold commits."""

_FACTS = text("""
    SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS named,
        current_setting('server_encoding') AS encoding, current_schema() AS schema,
        current_setting('search_path') AS path, pg_is_in_recovery() AS is_standby,
        current_setting('transaction_read_only') = 'on' AS is_read_only
""")


class UnfitDatabase(Exception):
    """The database cannot be used as it is; the text says why, and what to do."""


async def check_postgres(connection: AsyncConnection) -> None:
    """Raise UnfitDatabase for a server or a database that cannot be used."""
    facts = (await connection.execute(_FACTS)).one()
    if facts.version < MIN_POSTGRES:
        raise UnfitDatabase(f"PostgreSQL {facts.named} is too old: use version {MIN_POSTGRES // 10000} or a newer one")
    if facts.encoding != "UTF8":
        raise UnfitDatabase(
            f"the database's encoding is {facts.encoding}, which cannot hold every name: create another one with "
            "ENCODING 'UTF8' TEMPLATE template0"
        )
    if facts.is_standby:
        raise UnfitDatabase(
            "the database is a standby, which is read-only: OSTIARY_DATABASE_URL must lead to the primary"
        )
    if facts.is_read_only:
        raise UnfitDatabase(
            "the database is read-only: its default_transaction_read_only, or that of the role, is on; set it off, or "
            "see why it was set (a full disk, for example)"
        )
    if facts.schema is None:
        raise UnfitDatabase(
            f"there is no schema to create tables in: the search_path is {facts.path!r}; create a schema of that name, "
            "or set the search_path of the role or the database"
        )


def check_sqlite_files(file: str) -> None:
    """Raise UnfitDatabase where the database is gone but was there; say so where a new one is about to be made."""
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise UnfitDatabase(f"SQLite {sqlite3.sqlite_version} is too old: Python's must be 3.35 or newer")
    if Path(file).exists():
        return
    for remains in (Path(file + side) for side in REMAINS):
        if remains.exists():
            raise UnfitDatabase(
                f"the database {file} is gone, though {remains} is there: put the database back; or, to begin with an "
                f"empty one, remove {remains}, which may hold the last changes"
            )
    log.info("there is no database yet: a new, empty one is created", file=file)


async def check_sqlite(connection: AsyncConnection, file: str) -> None:
    """Raise UnfitDatabase for a file whose texts are not in UTF-8."""
    encoding = await connection.scalar(text("PRAGMA encoding"))
    if encoding != "UTF-8":
        raise UnfitDatabase(f"the encoding of the database {file} is {encoding}: it must be UTF-8, SQLite's default")


def unfit(error: DBAPIError, file: str | None) -> UnfitDatabase | None:
    """Return what `error`, raised while tables were created, says about the database; None if it may pass by itself.

    file: the database, if it is SQLite's.
    """
    cause: Any = error.orig
    if isinstance(cause, sqlite3.Error):
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _NOT_FOR_EVER:
            return None
        return UnfitDatabase(f"the database {file} cannot be used: {cause}")
    if getattr(cause, "sqlstate", None) == "42501":
        reason = str(cause.__cause__ or cause)
        return UnfitDatabase(
            f"the role of OSTIARY_DATABASE_URL may not do what is needed: {reason}; make it the owner of the database, "
            "or of a schema that its search_path names"
        )
    return None


_NOT_FOR_EVER = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_ERROR)
