"""A file that cannot be used now: `database_unavailable`, nothing half-written, and no restart needed afterwards."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.persistence.database import Database, database_faults
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import create_notes, ids, insert, opened, run, unavailable
from tests.support.threads import no_new_thread


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


async def write_a_lot(tx: Transaction) -> None:
    for number in range(1, 100):
        await insert(number, "x" * 4000)(tx)


def test_a_full_disk(sqlite_url: str) -> None:
    async def limit(database: Database, pages: int) -> None:
        async with database._writer.connect() as connection:
            await connection.execute(text(f"PRAGMA max_page_count={pages}"))

    async def scenario(database: Database) -> None:
        await limit(database, 40)
        await unavailable(database.write(write_a_lot))
        assert await ids(database) == []
        await limit(database, 10000)
        await database.write(write_a_lot)
        assert len(await ids(database)) == 99

    run(sqlite_url, scenario)


def test_a_file_that_another_program_keeps_locked(sqlite_url: str, tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        other = sqlite3.connect(tmp_path / "ostiary.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await unavailable(database.write(insert(1)))
        assert await ids(database) == []
        other.execute("ROLLBACK")
        other.close()
        await database.write(insert(1))
        assert await ids(database) == [1]

    run(sqlite_url, scenario, timeout=1.0)


def test_writers_wait_for_their_turn_only_so_long(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(tx: Transaction) -> None:
            await insert(2)(tx)
            begun.set()
            await go_on.wait()

        first = asyncio.create_task(database.write(slow))
        await begun.wait()
        await unavailable(database.write(insert(1)))
        go_on.set()
        await first
        await database.write(insert(1))
        assert await ids(database) == [1, 2]

    run(sqlite_url, scenario, timeout=1.0)


def test_all_readers_taken(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        sessions = [database.read() for _ in range(5)]
        for session in sessions:
            await (await session.__aenter__()).execute(text("SELECT 1"))
        await unavailable(database.ping())
        for session in sessions:
            await session.__aexit__(None, None, None)
        await database.ping()

    run(sqlite_url, scenario, timeout=1.0)


def test_a_directory_that_is_not_there_yet(sqlite_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(url_of(tmp_path / "later" / "ostiary.db")) as database:
            await unavailable(database.ping())
            await unavailable(database.write(insert(1)))
            await unavailable(ids(database))
            (tmp_path / "later").mkdir()
            shutil.copy(tmp_path / "ostiary.db", tmp_path / "later")
            await database.write(create_notes)
            await database.write(insert(1))
            assert await ids(database) == [1]

    asyncio.run(scenario())


def test_no_thread_is_left_of_a_file_that_could_not_be_opened(tmp_path: Path) -> None:
    """One that outlives the loop prints a traceback."""

    async def scenario() -> None:
        async with opened(url_of(tmp_path / "none" / "ostiary.db")) as database:
            for _ in range(20):
                with no_new_thread():
                    await unavailable(database.ping())

    asyncio.run(scenario())


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(url_of(tmp_path)) as database:
            await unavailable(database.ping())

    asyncio.run(scenario())


@pytest.mark.parametrize("kept", [0, 4096])
def test_a_damaged_file(sqlite_url: str, tmp_path: Path, kept: int) -> None:
    file = tmp_path / "ostiary.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:kept] + b"garbage!" * ((len(whole) - kept) // 8))

    async def query(database: Database) -> None:
        async with database.read() as session:
            await session.execute(text("SELECT * FROM users"))

    async def scenario() -> None:
        async with opened(sqlite_url) as database:
            await unavailable(query(database))

    asyncio.run(scenario())


def test_an_empty_file_has_no_tables(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()

    async def scenario() -> None:
        async with opened(url_of(tmp_path / "empty.db")) as database:
            await unavailable(database.write(insert(1)))

    asyncio.run(scenario())


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_fresh_file_that_another_process_has_locked_is_waited_for(tmp_path: Path, lock: str) -> None:
    file = tmp_path / "fresh.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE other (id)")
    other.execute(f"BEGIN {lock}")

    async def scenario() -> None:
        async with opened(url_of(file)) as database:
            ping = asyncio.create_task(database.ping())
            await asyncio.sleep(0.1)
            assert not ping.done()
            other.execute("COMMIT")
            await ping

    asyncio.run(scenario())
    other.close()


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_but_not_for_ever(tmp_path: Path, lock: str) -> None:
    file = tmp_path / "fresh.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE other (id)")
    other.execute(f"BEGIN {lock}")

    async def scenario() -> None:
        async with opened(url_of(file), timeout=0.5) as database:
            await unavailable(database.ping())
            other.execute("COMMIT")
            await database.ping()

    asyncio.run(scenario())
    other.close()


def test_a_misuse_of_the_driver_is_a_bug_and_no_outage() -> None:
    with pytest.raises(sqlite3.ProgrammingError), database_faults():
        raise sqlite3.ProgrammingError("bindings")


@pytest.mark.parametrize("error", [ConnectionResetError(), InternalError("SELECT 1", {}, Exception("in progress"))])
def test_an_error_of_the_system_or_the_server_itself_is_an_outage(error: Exception) -> None:
    with pytest.raises(Problem) as refused, database_faults():
        raise error
    assert refused.value.kind is DATABASE_UNAVAILABLE
    assert refused.value.__cause__ is error
