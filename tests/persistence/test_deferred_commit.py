"""A transaction whose commit waits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.exc import IntegrityError

from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import ids, insert, opened, run, unavailable


async def nothing(_tx: Transaction) -> None: ...


def test_what_is_written_is_there_after_the_commit_and_not_before(database_url: str) -> None:
    async def scenario(database: Database) -> list[list[int]]:
        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(insert(1))
            await database.write(insert(2))
            before = await ids(database)
        await deferred.commit(insert(3))
        return [before, await ids(database)]

    assert run(database_url, scenario) == [[], [1, 2, 3]]


def test_what_is_rolled_back_never_was(database_url: str) -> None:
    async def scenario(database: Database) -> list[int]:
        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(insert(1))
        await deferred.roll_back()
        await database.write(insert(2))
        return await ids(database)

    assert run(database_url, scenario) == [2]


def test_a_write_that_fails_undoes_itself_alone(database_url: str) -> None:
    async def scenario(database: Database) -> list[int]:
        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(insert(1))
            with pytest.raises(IntegrityError):
                await database.write(insert(1))
            await database.write(insert(2))
        await deferred.commit(nothing)
        return await ids(database)

    assert run(database_url, scenario) == [1, 2]


def test_what_a_failed_write_has_asked_for_before_the_commit_is_not_done(database_url: str) -> None:
    async def scenario(database: Database) -> list[int]:
        def asking(number: int) -> Callable[[Transaction], Awaitable[None]]:
            async def work(tx: Transaction) -> None:
                tx.before_commit(insert(10 + number))
                await insert(number)(tx)

            return work

        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(asking(1))
            with pytest.raises(IntegrityError):
                await database.write(asking(1))
        await deferred.commit(insert(3))
        return await ids(database)

    assert run(database_url, scenario) == [1, 3, 11]


def test_a_last_write_that_fails_undoes_all(database_url: str) -> None:
    async def scenario(database: Database) -> list[int]:
        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(insert(1))
        with pytest.raises(IntegrityError):
            await deferred.commit(insert(1))
        return await ids(database)

    assert run(database_url, scenario) == []


@pytest.mark.parametrize("written", [[4], []])
def test_without_a_write_there_is_only_the_last(database_url: str, written: list[int]) -> None:
    async def scenario(database: Database) -> list[int]:
        deferred = database.defer_commit()
        with deferred.in_force():
            pass
        if written:
            await deferred.commit(insert(4))
        else:
            await deferred.roll_back()
        return await ids(database)

    assert run(database_url, scenario) == written


def test_writes_of_others_are_their_own(database_url: str) -> None:
    """The one on SQLite waits for the file; a deferred transaction that is rolled back does not take it along."""

    async def scenario(database: Database) -> list[int]:
        async with opened(database_url) as other:
            deferred = database.defer_commit()
            with deferred.in_force():
                pass
            await other.write(insert(1))
            with deferred.in_force():
                await database.write(insert(2))
                await deferred.roll_back()
            await other.write(insert(3))
        return await ids(database)

    assert run(database_url, scenario) == [1, 3]


def test_a_database_out_of_reach_is_told_and_waits_for_nobody() -> None:
    async def scenario() -> None:
        async with opened("sqlite+aiosqlite:////there/is/no/such/directory/ostiary.db") as database:
            deferred = database.defer_commit()
            with deferred.in_force():
                await unavailable(database.write(insert(1)))
                await unavailable(database.write(insert(2)))
            await unavailable(deferred.commit(insert(3)))
            await deferred.roll_back()

    asyncio.run(scenario())


def test_a_write_that_is_cancelled_leaves_nobody_waiting(database_url: str) -> None:
    async def cancelled(_tx: Transaction) -> None:
        raise asyncio.CancelledError

    async def scenario(database: Database) -> list[int]:
        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(insert(1))
            with pytest.raises(asyncio.CancelledError):
                await database.write(cancelled)
        await deferred.roll_back()
        return await ids(database)

    assert run(database_url, scenario) == []
