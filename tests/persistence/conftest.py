"""A table of the tests' own, and databases opened for the length of a coroutine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, Table, Text, select

from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.persistence.database import Database
from ostiary.persistence.migrate import MIGRATIONS
from ostiary.persistence.transaction import Transaction
from tests.support.databases import KINDS, needed_postgres_url, postgres_database

notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", Text, nullable=False))

Scenario = Callable[[Database], Awaitable[Any]]


@asynccontextmanager
async def opened(url: str, *, timeout: float = 10, pool_size: int = 5) -> AsyncIterator[Database]:
    database = Database(url, pool_size, timeout)
    try:
        yield database
    except BaseException:
        for task in database._writes:  # a test that failed must not wait for what it left open
            task.cancel()
        raise
    finally:
        await database.close()


def run(url: str, scenario: Scenario, **options: Any) -> Any:
    """Run `scenario` with a database of its own, and the table `notes` in it."""

    async def within() -> Any:
        async with opened(url, **options) as database:
            await database.write(create_notes)
            return await scenario(database)

    return asyncio.run(within())


async def create_notes(tx: Transaction) -> None:
    await (await tx.session.connection()).run_sync(notes.metadata.create_all)


def insert(number: int, text: str = "a note") -> Callable[[Transaction], Awaitable[None]]:
    async def work(tx: Transaction) -> None:
        await tx.session.execute(notes.insert().values(id=number, text=text))

    return work


async def ids(database: Database) -> list[int]:
    async with database.read() as session:
        return list(await session.scalars(select(notes.c.id).order_by(notes.c.id)))


async def unavailable(call: Awaitable[Any]) -> None:
    with pytest.raises(Problem) as refused:
        await call
    assert refused.value.kind is DATABASE_UNAVAILABLE


@pytest.fixture(
    params=[pytest.param(kind, marks=[pytest.mark.postgres] if kind == "postgres" else []) for kind in KINDS]
)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database in which nothing is yet; the test runs once on each kind."""
    if request.param == "sqlite":
        (tmp_path / "empty.db").touch(mode=0o600)  # only a migration makes a file that is not there
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    with postgres_database(needed_postgres_url()) as url:
        yield url


@pytest.fixture
def newest_revisions() -> list[str]:
    """All revisions of this version, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    walked = ScriptDirectory.from_config(config).walk_revisions()
    return [revision.revision for revision in walked][::-1]


def name_of(database: Database) -> str:
    """The name of a PostgreSQL database."""
    assert database.address is not None
    return database.address.database
