"""PointQuery: exact, on SQLite without a pooled connection, and never guessing."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.engine import URL

from ostiary.persistence.database import Database
from ostiary.persistence.local_reader import LocalReader
from ostiary.persistence.point_query import PointQuery
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import create_notes, insert, notes, opened, run, unavailable

STATEMENT = select(literal_column("1")).where(notes.c.text == bindparam("text"))


@asynccontextmanager
async def point_query(database: Database) -> AsyncIterator[PointQuery]:
    query = PointQuery(database, STATEMENT)
    try:
        yield query
    finally:
        query.close()


def connections(database: Database) -> int:
    """The connections that the pool of readers has opened."""
    pool = database.engine.pool
    return pool.checkedin() + pool.checkedout()  # type: ignore[attr-defined, no-any-return]


def test_it_tells_whether_there_is_a_row(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1, "here"))
        async with point_query(database) as query:
            assert await query.exists(text="here") is True
            assert await query.exists(text="Here") is False
            assert await query.exists(text="") is False
            assert await query.exists(text="' OR ''='") is False

    run(database_url, scenario)


def test_it_sees_every_commit_at_once(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        async with point_query(database) as query, opened(database_url) as another_worker:
            for number in range(20):
                assert not await query.exists(text=f"note {number}")
                await another_worker.write(insert(number, f"note {number}"))
                assert await query.exists(text=f"note {number}")

    run(database_url, scenario)


def test_it_sees_nothing_that_is_not_committed(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        async with point_query(database) as query:

            async def work(tx: Transaction) -> None:
                await insert(1, "pending")(tx)
                assert not await query.exists(text="pending")

            await database.write(work)
            assert await query.exists(text="pending")

    run(database_url, scenario)


@pytest.mark.parametrize("name", ["plain", "with space", "50%41 off", "what?mode=memory", "a#b", "\N{DOOR}"])
def test_on_sqlite_it_takes_no_pooled_connection_wherever_the_file_is(
    sqlite_url: str, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    file = tmp_path / name / "ostiary.db"
    shutil.copy(tmp_path / "ostiary.db", file)
    url = URL.create("sqlite+aiosqlite", database=str(file)).render_as_string()

    async def scenario(database: Database) -> None:
        assert database.url.database == str(file)
        await database.write(insert(1, "here"))
        async with point_query(database) as query:
            assert await query.exists(text="here")
            assert not await query.exists(text="there")
        assert connections(database) == 0

    run(url, scenario)


def test_it_cannot_write(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        reader = LocalReader(database.url)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.rows("INSERT INTO notes VALUES (1, 'x')")

    run(sqlite_url, scenario)


def test_a_busy_file_is_waited_for_in_the_pool(sqlite_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(sqlite_url) as database:
            await database.write(create_notes)
            await database.write(insert(1, "here"))
        other = sqlite3.connect(tmp_path / "ostiary.db", isolation_level=None)
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE notes SET text = 'there'")
        async with opened(sqlite_url) as database, point_query(database) as query:
            answer = asyncio.create_task(query.exists(text="there"))
            await asyncio.sleep(0.1)
            assert not answer.done()
            other.execute("COMMIT")
            other.close()
            assert await answer is True
            assert connections(database) == 1

    asyncio.run(scenario())


def test_a_file_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}") as database, point_query(database) as query:
            await unavailable(query.exists(text="anything"))

    asyncio.run(scenario())


def test_a_damaged_file_is_no_answer_and_a_mended_one_is(sqlite_url: str, tmp_path: Path) -> None:
    run(sqlite_url, lambda database: database.write(insert(1, "here")))
    file = tmp_path / "ostiary.db"
    whole = file.read_bytes()
    file.write_bytes(b"garbage!" * (len(whole) // 8))

    async def scenario() -> None:
        async with opened(sqlite_url) as database, point_query(database) as query:
            await unavailable(query.exists(text="here"))
            file.write_bytes(whole)
            assert await query.exists(text="here")

    asyncio.run(scenario())


def test_closing_twice_is_harmless_and_the_next_look_up_opens_anew(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1, "here"))
        async with point_query(database) as query:
            assert await query.exists(text="here")
            query.close()
            query.close()
            assert await query.exists(text="here")

    run(sqlite_url, scenario)
