"""Check at the start whether this version can use the database."""

import sqlite3
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

log = structlog.stdlib.get_logger(__name__)

MIN_POSTGRES = 130000
"""The oldest supported version of PostgreSQL, as its `server_version_num`."""
MIN_SQLITE = (3, 35, 0)
"""The first version of SQLite with RETURNING."""
REMAINS = ("-wal", "-feed")
"""Suffixes of files that remain when only the SQLite database is removed. The first file may hold commits."""

_FACTS = text("""
    SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS named,
        current_setting('server_encoding') AS encoding, current_schema() AS schema,
        current_setting('search_path') AS path, pg_is_in_recovery() AS is_standby,
        current_setting('transaction_read_only') = 'on' AS is_read_only
""")


class UnfitDatabase(Exception):
    """The database cannot be used as it is. The text names the reason and the remedy."""


async def check_postgres(connection: AsyncConnection) -> None:
    """Raise UnfitDatabase if this server or database cannot be used."""
    facts = (await connection.execute(_FACTS)).one()
    if facts.version < MIN_POSTGRES:
        raise UnfitDatabase(f"PostgreSQL {facts.named} is too old: use version {MIN_POSTGRES // 10000} or a newer one")
    if facts.encoding != "UTF8":
        raise UnfitDatabase(
            f"the database's encoding is {facts.encoding}, which cannot store every name: create a database with "
            "ENCODING 'UTF8' TEMPLATE template0"
        )
    if facts.is_standby:
        raise UnfitDatabase(
            "the database is a standby, which is read-only: OSTIARY_DATABASE_URL must lead to the primary"
        )
    if facts.is_read_only:
        raise UnfitDatabase(
            "the database is read-only: default_transaction_read_only is on for the database or the role; turn it off, "
            "or find out why it is on (a full disk, for example)"
        )
    if facts.schema is None:
        raise UnfitDatabase(
            f"there is no schema to create tables in: the search_path is {facts.path!r}; create a schema of that name, "
            "or set the search_path of the role or the database"
        )


def check_sqlite_files(file: str) -> None:
    """Raise UnfitDatabase if the database has disappeared. Log a line if a new one is about to be created."""
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise UnfitDatabase(f"SQLite {sqlite3.sqlite_version} is too old: Python's must be 3.35 or newer")
    if Path(file).exists():
        return
    for remains in (Path(file + side) for side in REMAINS):
        if remains.exists():
            raise UnfitDatabase(
                f"the database {file} is gone, but {remains} exists: put the database back; or, to begin with an empty "
                f"one, remove {remains}, which may hold the last changes"
            )
    log.info("there is no database yet: a new, empty one is created", file=file)


async def check_sqlite(connection: AsyncConnection, file: str) -> None:
    """Raise UnfitDatabase if the encoding of the file is not UTF-8."""
    encoding = await connection.scalar(text("PRAGMA encoding"))
    if encoding != "UTF-8":
        raise UnfitDatabase(f"the encoding of the database {file} is {encoding}: it must be UTF-8, SQLite's default")


def unfit(error: DBAPIError, file: str | None) -> UnfitDatabase | None:
    """Return the fault behind `error`, which creating tables has raised; None if the error may be temporary.

    file: the SQLite database; None for PostgreSQL.
    """
    cause: Any = error.orig
    if isinstance(cause, sqlite3.Error):
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _NOT_FOR_EVER:
            return None
        return UnfitDatabase(f"the database {file} cannot be used: {cause}")
    if getattr(cause, "sqlstate", None) == "42501":
        reason = str(cause.__cause__ or cause)
        return UnfitDatabase(
            f"the role in OSTIARY_DATABASE_URL lacks a privilege: {reason}; make it the owner of the database, or of a "
            "schema in its search_path"
        )
    return None


_NOT_FOR_EVER = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_ERROR)
