"""`ostiary backup` and `ostiary restore`: copy an SQLite database while it is in use, and restore such a copy."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import click
from sqlalchemy.engine import make_url

from ostiary import settings as settings_module
from ostiary.core import private_files
from ostiary.features.revocation.service import mark_restored
from ostiary.persistence.migrate import BESIDE, migrate
from ostiary.persistence.postgres_url import is_postgres
from ostiary.settings import Settings

FILE = click.Path(dir_okay=False, path_type=Path)


def _refuse(text: str) -> NoReturn:
    click.echo(f"ostiary: {text}", err=True)
    sys.exit(1)


def _database(settings: Settings, instead: str) -> Path:
    """Return the SQLite file of `settings`. With PostgreSQL, end the command; the message names the tool `instead`."""
    if is_postgres(settings.effective_database_url):
        _refuse(f"the database is PostgreSQL, which has its own tools: use {instead}; see docs/backup.md")
    return Path(make_url(settings.effective_database_url).database or "")


@contextmanager
def _open(file: Path, mode: str) -> Generator[sqlite3.Connection]:
    address = f"file:{quote(str(file))}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=10)) as connection:
        yield connection


def _copy(source: Path, target: Path) -> None:
    """Copy a database, which may be in use, into the new single file `target`, which only the owner can read."""
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, private_files.FILE_MODE)
    os.close(handle)
    try:
        private_files.give_to_owner_of(target.parent, target)
        with _open(source, "ro") as one, _open(target, "rw") as other:
            one.backup(other)
            other.execute("PRAGMA journal_mode=DELETE")
        with target.open("rb") as written:
            os.fsync(written.fileno())
    except BaseException:
        target.unlink()
        raise


def _fault(file: Path) -> str | None:
    """Return why a file is not a usable Ostiary database; None if it is one."""
    try:
        with _open(file, "ro") as connection:
            found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"alembic_version", "users", "revocations"} <= found:
                return f"{file} is not an Ostiary database: tables are missing"
            (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return None if state == "ok" else f"{file} is damaged ({state}): use another backup"
    except sqlite3.DatabaseError as error:
        return f"{file} is not an Ostiary database, or it is damaged: {error}"


@click.command("backup")
@click.argument("file", type=FILE)
def backup(file: Path) -> None:
    """Copy the SQLite database into the new file FILE, also while the server runs.

    The copy is consistent. Only its owner can read it, because it contains password hashes and encrypted signing keys.
    It does not contain OSTIARY_SECRET_KEY, which decrypts the keys.
    """
    database = _database(settings_module.read(), "pg_dump")
    if not database.exists():
        _refuse(f"there is no database {database}: set OSTIARY_DATABASE_URL or OSTIARY_DATA_DIR as on the server")
    try:
        _copy(database, file)
    except FileExistsError:
        _refuse(f"{file} already exists and is not overwritten: name another file")
    except sqlite3.Error as error:
        _refuse(f"{database} cannot be copied: {error}; if it is locked, try again")
    click.echo(f"Copied {database} to {file}")


@click.command("restore")
@click.argument("file", type=FILE)
def restore(file: Path) -> None:
    """Replace the SQLite database with the backup FILE. Stop the server first.

    When the server starts again, it recognises the restored database. It refuses access tokens that were issued before;
    sessions continue with a refresh. Sessions that were ended after the backup are open again; see
    `ostiary sessions end`.
    """
    settings = settings_module.read()
    database = _database(settings, "pg_restore")
    if not file.exists():
        _refuse(f"there is no file {file}")
    fault = _fault(file)
    if fault is not None:
        _refuse(fault)
    private_files.make_directory(database.parent)
    prepared = database.with_name(f"{database.name}-restored-{os.getpid()}")
    try:
        _copy(file, prepared)
        address = make_url(settings.effective_database_url).set(database=str(prepared))
        asyncio.run(migrate(address.render_as_string(hide_password=False), float(settings.database_timeout)))
        with _open(prepared, "rw") as connection:
            mark_restored(connection)
            connection.execute("PRAGMA journal_mode=DELETE")
        with _alone(database):
            prepared.replace(database)
            for side in BESIDE:
                Path(f"{database}{side}").unlink(missing_ok=True)
    finally:
        for side in ("", *BESIDE):
            Path(f"{prepared}{side}").unlink(missing_ok=True)
    click.echo(f"Restored {database} from {file}. When the server starts, it voids all earlier access tokens.")


@contextmanager
def _alone(database: Path) -> Generator[None]:
    """Lock the database for this process. Ends the command if another process has it open.

    A connection in WAL mode locks the file for as long as it is open. Only the last open connection can leave that
    mode.
    """
    if not database.exists():
        yield
        return
    with closing(sqlite3.connect(database, isolation_level=None, timeout=0.5)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            _refuse(f"a server, or another program, has {database} open: stop it, then restore")
        except sqlite3.DatabaseError:
            pass  # the database is damaged, perhaps the reason for the restore
        yield
