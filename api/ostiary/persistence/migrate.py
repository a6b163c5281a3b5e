"""Migrate a database to the schema of this version. If several processes ask at the same time, one migrates."""

import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import to_tuple
from sqlalchemy import text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ostiary import __version__
from ostiary.core.private_files import make_private, narrow
from ostiary.persistence.database import database_faults, sqlite_engine
from ostiary.persistence.fitness import check_postgres, check_sqlite, check_sqlite_files, unfit
from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.persistence.postgres_connections import NEUTRAL_URL
from ostiary.persistence.postgres_session import fit
from ostiary.persistence.postgres_url import is_postgres

MIGRATIONS = Path(__file__).with_name("migrations")
BESIDE = ("-wal", "-shm", "-journal", "-feed")
"""Suffixes of the files that SQLite and the revocation feed keep next to an SQLite database."""
_OF_A_FEATURE = re.compile(r"[a-z][a-z_]*_[0-9]{4}")
_LOCK_KEY = 0x6F737469617279  # "ostiary": one advisory lock of PostgreSQL, ours by this number


class NoDatabase(Exception):
    """A command needs an existing database, but there is none. The text names the place and the remedy."""


class NewerDatabase(Exception):
    """The database has been migrated by a newer version of Ostiary."""


async def migrate(url: str, timeout: float, *, creates: bool = True, branches: Sequence[Path] = ()) -> list[str]:
    """Migrate the database at `url` to the newest revision and return the revisions that were applied.

    Everything happens in one transaction that first takes a lock. So one of several processes migrates, and the others
    find nothing to do. A failure leaves the old schema. timeout: seconds to wait for a lock. creates: whether to create
    the database if there is none. branches: directories with the revisions of features that are not part of Ostiary;
    each is a branch of its own with revisions named like `notes_0001`.
    Raises BadUrl, NoDatabase, NewerDatabase, UnfitDatabase, and the problem `database_unavailable`.
    """
    engine = _engine(url, timeout)
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    try:
        with database_faults(is_logged=False), _unfitness(file):
            if file is not None and not creates:
                _check_exists(Path(file))
            if file is not None:
                check_sqlite_files(file)
                _make_private(Path(file))
            async with engine.begin() as connection:
                if file is not None:
                    await check_sqlite(connection, file)
                else:
                    await check_postgres(connection)
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
                if not creates and not await connection.run_sync(_current):
                    raise NoDatabase(f"the database {file or PostgresAddress(url, timeout)} is empty: {ELSEWHERE}")
                return await connection.run_sync(upgrade, branches)
    finally:
        await engine.dispose()


ELSEWHERE = (
    "run this where `ostiary serve` runs, with its settings (OSTIARY_DATA_DIR, OSTIARY_DATABASE_URL); to create a new "
    "database, run `ostiary serve` or `ostiary migrate`"
)


def _check_exists(file: Path) -> None:
    if not file.exists():
        raise NoDatabase(f"there is no database {file.absolute()}: {ELSEWHERE}")


def _current(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


@contextmanager
def _unfitness(file: str | None) -> Generator[None]:
    try:
        yield
    except DBAPIError as error:
        found = unfit(error, file)
        if found is None:
            raise
        raise found from error


def _make_private(file: Path) -> None:
    """Make the database readable only for its owner. SQLite gives the same mode to the files next to it."""
    make_private(file)
    narrow(file, *(file.with_name(file.name + suffix) for suffix in BESIDE))


def _engine(url: str, timeout: float) -> AsyncEngine:
    if not is_postgres(url):
        return sqlite_engine(make_url(url), timeout, 1, "BEGIN IMMEDIATE", None)
    address = PostgresAddress(url, timeout)

    async def connect(**_: Any) -> Any:
        connection = await address.connect(command_timeout=None)
        # Statements have no time limit here, because the migration of a large table can take long.
        await fit(connection, statement=0, lock=timeout)
        return connection

    arguments = {**address.dialect, "async_creator_fn": connect}
    return create_async_engine(NEUTRAL_URL, hide_parameters=True, connect_args=arguments)


def upgrade(connection: Connection, branches: Sequence[Path] = ()) -> list[str]:
    """Apply the missing revisions on an open connection, in its transaction; raises NewerDatabase."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, (MIGRATIONS / "versions", *branches))))
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    newer = [one for one in _current(connection) if one not in known and not _OF_A_FEATURE.fullmatch(one)]
    if newer:
        raise NewerDatabase(
            f"the database is at revision {newer[0]!r}, which Ostiary {__version__} does not know: a newer version has "
            "used it. Install that version, or restore a backup from before the upgrade."
        )
    applied: list[str] = []

    def steps(revision: Any, _context: MigrationContext) -> Any:
        # A feature that is not installed keeps its tables and its revision in the table of versions.
        present = tuple(one for one in to_tuple(revision) if one in known)
        found = script._upgrade_revs("heads", present)  # type: ignore[arg-type]
        applied.extend(step.revision.revision for step in found)
        return found

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()
    return applied
