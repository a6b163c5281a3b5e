"""A database of its own for each test, on SQLite and on PostgreSQL, copied from one that was migrated once."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from ostiary.core.randomness import SystemRandomness
from ostiary.persistence.migrate import migrate

POSTGRES_VARIABLE = "OSTIARY_TEST_POSTGRES_URL"
KINDS = ("sqlite", "postgres")


def postgres_url() -> str | None:
    return os.environ.get(POSTGRES_VARIABLE) or None


def needed_postgres_url() -> str:
    """Return the server's URL; where none is named, the test that needs it is left out."""
    return postgres_url() or pytest.skip(f"PostgreSQL: {POSTGRES_VARIABLE} is not set")


def run_on_server(url: str, *statements: str) -> None:
    async def run() -> None:
        address = make_url(url).set(drivername="postgresql")
        connection = await asyncpg.connect(address.render_as_string(hide_password=False))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@contextmanager
def postgres_database(server: str, options: str = "") -> Iterator[str]:
    """A new database on the server, dropped afterwards; `options` of CREATE DATABASE."""
    name = f"ostiary_test_{SystemRandomness().new_id()}"
    run_on_server(server, f'CREATE DATABASE "{name}" {options}')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        run_on_server(server, f'DROP DATABASE "{name}" WITH (FORCE)')


class Databases:
    """Hands out migrated databases; `close` drops what was made on the PostgreSQL server."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._sqlite_template: Path | None = None
        self._postgres_template: str | None = None

    @contextmanager
    def new(self, kind: str, directory: Path) -> Iterator[str]:
        if kind == "sqlite":
            yield self._new_sqlite(directory)
            return
        server = needed_postgres_url()
        with postgres_database(server, f'TEMPLATE "{self._template(server)}"') as url:
            yield url

    def close(self) -> None:
        server = postgres_url()
        if self._postgres_template is not None and server is not None:
            run_on_server(server, f'DROP DATABASE "{self._postgres_template}" WITH (FORCE)')

    def _new_sqlite(self, directory: Path) -> str:
        if self._sqlite_template is None:
            template = self._directory / "template.db"
            asyncio.run(migrate(f"sqlite+aiosqlite:///{template}", 30))
            self._sqlite_template = template
        file = directory / "ostiary.db"
        shutil.copy(self._sqlite_template, file)
        return f"sqlite+aiosqlite:///{file}"

    def _template(self, server: str) -> str:
        if self._postgres_template is None:
            name = f"ostiary_test_{SystemRandomness().new_id()}_template"
            run_on_server(server, f'CREATE DATABASE "{name}"')
            self._postgres_template = name
            url = make_url(server).set(database=name).render_as_string(hide_password=False)
            asyncio.run(migrate(url, 30))
        return self._postgres_template
