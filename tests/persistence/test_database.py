"""Units of work: all or nothing, finished whoever leaves, the same on both databases."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from ostiary.persistence.database import Database, duplicated, is_duplicate
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import ids, insert, notes, run


def test_what_is_written_can_be_read(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        assert await database.write(insert(1)) is None
        assert await ids(database) == [1]
        await database.ping()

    run(database_url, scenario)


def test_write_returns_what_the_work_returns(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        async def work(tx: Transaction) -> Any:
            return await tx.session.scalar(text("SELECT 42"))

        assert await database.write(work) == 42

    run(database_url, scenario)


def test_an_exception_rolls_everything_back_and_comes_through(database_url: str) -> None:
    class Trouble(Exception):
        pass

    async def scenario(database: Database) -> None:
        async def work(tx: Transaction) -> None:
            await insert(1)(tx)
            raise Trouble

        with pytest.raises(Trouble):
            await database.write(work)
        assert await ids(database) == []
        await database.write(insert(1))
        assert await ids(database) == [1]

    run(database_url, scenario)


def test_a_mistaken_statement_is_a_bug_and_no_outage(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        with pytest.raises(ProgrammingError):
            async with database.read() as session:
                await session.execute(text("SELECT nothing()"))

    run(postgres, scenario)


def test_a_duplicate_is_told_from_other_refusals(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1))
        with pytest.raises(IntegrityError) as duplicate:
            await database.write(insert(1))
        assert is_duplicate(duplicate.value)
        assert "notes" in duplicated(duplicate.value)

        async def without_text(tx: Transaction) -> None:
            await tx.session.execute(notes.insert().values(id=2))

        with pytest.raises(IntegrityError) as missing:
            await database.write(without_text)
        assert not is_duplicate(missing.value)
        assert duplicated(missing.value) == ""

    run(database_url, scenario)


def test_foreign_keys_are_enforced(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        async def work(tx: Transaction) -> None:
            await tx.session.execute(text("INSERT INTO user_roles (user_id, role) VALUES ('nobody', 'admin')"))

        with pytest.raises(IntegrityError) as orphan:
            await database.write(work)
        assert not is_duplicate(orphan.value)

    run(database_url, scenario)


def test_a_caller_that_goes_away_leaves_the_transaction_to_finish(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def work(tx: Transaction) -> None:
            await insert(1)(tx)
            begun.set()
            await go_on.wait()
            await insert(2)(tx)

        caller = asyncio.create_task(database.write(work))
        await begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert await ids(database) == []
        go_on.set()
        await database.write(insert(3))
        while database._writes:
            await asyncio.wait(database._writes)
        assert await ids(database) == [1, 2, 3]

    run(database_url, scenario)


def test_closing_waits_for_transactions_under_way(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        begun = asyncio.Event()

        async def slow(tx: Transaction) -> None:
            await insert(1)(tx)
            begun.set()
            await asyncio.sleep(0.1)
            await insert(2)(tx)

        other = Database(database_url, 5, 10)
        caller = asyncio.create_task(other.write(slow))
        await begun.wait()
        caller.cancel()
        await other.close()
        assert await ids(database) == [1, 2]

    run(database_url, scenario)


def test_an_abandoned_failure_is_no_warning(sqlite_url: str) -> None:
    async def scenario(database: Database) -> list[Any]:
        told: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
        begun = asyncio.Event()

        async def work(tx: Transaction) -> None:
            begun.set()
            await asyncio.sleep(0.01)
            raise ValueError

        caller = asyncio.create_task(database.write(work))
        await begun.wait()
        caller.cancel()
        while database._writes:
            await asyncio.wait(database._writes)
        return told

    assert run(sqlite_url, scenario) == []


def test_a_cancelled_transaction_is_rolled_back(sqlite_url: str) -> None:
    """As at the end of a loop that nobody closed in order."""

    async def scenario(database: Database) -> None:
        begun = asyncio.Event()

        async def work(tx: Transaction) -> None:
            await insert(1)(tx)
            begun.set()
            await asyncio.Event().wait()

        caller = asyncio.ensure_future(database.write(work))
        await begun.wait()
        (task,) = database._writes
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert await ids(database) == []

    run(sqlite_url, scenario)


def test_each_statement_of_a_reader_sees_what_is_committed_by_then(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        count = text("SELECT count(*) FROM notes")
        async with database.read() as session:
            assert await session.scalar(count) == 0
            await database.write(insert(1))
            assert await session.scalar(count) == 1

    run(database_url, scenario)


def test_sqlite_is_set_to_survive_a_power_cut(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        async def pragmas(tx: Transaction) -> list[Any]:
            names = ("journal_mode", "synchronous", "foreign_keys")
            return [await tx.session.scalar(text(f"PRAGMA {name}")) for name in names]

        assert await database.write(pragmas) == ["wal", 2, 1]

    run(sqlite_url, scenario)


def test_errors_carry_no_values(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        async def work(tx: Transaction) -> None:
            await tx.session.execute(text("INSERT INTO nowhere VALUES (:value)"), {"value": "a-hash-of-somebody"})

        with pytest.raises(Exception, match=r"nowhere|cannot be reached") as error:
            await database.write(work)
        chain = [error.value, error.value.__cause__]
        assert "a-hash-of-somebody" not in "".join(map(str, chain))

    run(database_url, scenario)
