"""Bringing a database to the schema of this version: once, whoever asks, however many ask at once."""

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from api import __version__
from api.persistence.database import database_faults, sqlite_engine

MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK_KEY = 0x6F737469617279  # "ostiary": one advisory lock of PostgreSQL, ours by this number


class NewerDatabase(Exception):
    """The database has been migrated by a newer version of Ostiary."""


async def migrate(url: str, timeout: float) -> list[str]:
    """Bring the database at `url` to the newest revision and return the revisions applied.

    All of it happens in one transaction that begins by taking a lock, so that of several processes one migrates and the
    others find it done; a failure leaves the old schema. timeout: seconds to wait for a lock.
    Raises NewerDatabase, and the problem `database_unavailable`.
    """
    engine = _engine(make_url(url), timeout)
    try:
        with database_faults():
            async with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    wait = {"milliseconds": f"{timeout * 1000:.0f}"}
                    await connection.execute(text("SELECT set_config('lock_timeout', :milliseconds, true)"), wait)
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
                return await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def _engine(url: URL, timeout: float) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        return sqlite_engine(url, timeout, 1, "BEGIN IMMEDIATE")
    # No limit on the duration of a statement here: a migration of a large table takes its time.
    return create_async_engine(url, hide_parameters=True, connect_args={"timeout": timeout})


def upgrade(connection: Connection) -> list[str]:
    """Apply what is missing on an open connection, in its transaction; raises NewerDatabase."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise NewerDatabase(
            f"the database is at revision {current!r}, which Ostiary {__version__} does not know: a newer version has "
            "used it. Install that version, or restore a backup made before the upgrade."
        )
    applied: list[str] = []

    def steps(revision: Any, _context: MigrationContext) -> Any:
        found = script._upgrade_revs("head", revision)
        applied.extend(step.revision.revision for step in found)
        return found

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()
    return applied
