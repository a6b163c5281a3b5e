"""Cleanup: a few rows in each transaction, until nothing is left; by itself, whatever fails, until it is stopped."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from structlog.testing import capture_logs

from ostiary.core.randomness import SystemRandomness
from ostiary.persistence import cleanup
from ostiary.persistence.cleanup import Cleanup
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import ids, insert, notes, run, unavailable
from tests.support.waiting import eventually

NOBODY_LISTENS = "postgresql+asyncpg://ostiary@127.0.0.1:1/ostiary"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BATCH", 3), ("PAUSE", 0.0), ("FIRST_AFTER", 0.01), ("EVERY", 0.01)):
        monkeypatch.setattr(cleanup, name, value)


class CleanupJob:
    """Deletes notes whose number is at least `first`; notes how many it deleted each time."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.did: list[int] = []
        self.fails: Exception | None = None

    async def __call__(self, tx: Transaction, most: int) -> Mapping[str, int]:
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        oldest = select(notes.c.id).where(notes.c.id >= self.first).order_by(notes.c.id).limit(most)
        deleted = list(await tx.session.scalars(delete(notes).where(notes.c.id.in_(oldest)).returning(notes.c.id)))
        self.did.append(len(deleted))
        return {"notes": len(deleted)}


async def fill(database: Database, count: int) -> None:
    await database.write(lambda tx: tx.session.execute(notes.insert(), [{"id": n, "text": ""} for n in range(count)]))


async def under_way(database: Database) -> None:
    """Wait for the transactions that have begun."""
    while database._writes:
        await asyncio.wait(database._writes)


def cleanup_of(database: Database, *jobs: Any) -> Cleanup:
    return Cleanup(database, SystemRandomness(), jobs)


def test_it_goes_on_batch_by_batch_until_nothing_is_left(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await fill(database, 8)
        job = CleanupJob(first=1)
        assert await cleanup_of(database, job).round() == {"notes": 7}
        assert job.did == [3, 3, 1, 0]
        assert await ids(database) == [0]

    run(database_url, scenario)


def test_each_batch_is_a_transaction_of_its_own(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await fill(database, 8)
        job = CleanupJob()
        seen: list[int] = []

        async def watched(tx: Transaction, most: int) -> Mapping[str, int]:
            async with database.read() as other:
                seen.append(await other.scalar(select(func.count()).select_from(notes)) or 0)
            return await job(tx, most)

        await cleanup_of(database, watched).round()
        assert seen == [8, 5, 2, 0]

    run(database_url, scenario)


def test_nothing_to_do_is_told_as_nothing(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        assert dict(await cleanup_of(database, CleanupJob()).round()) == {"notes": 0}

    run(database_url, scenario)


def test_what_is_left_when_its_turn_is_over_waits_for_the_next_round(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await fill(database, 14)
        first, second = CleanupJob(first=7), CleanupJob()
        cleanup = cleanup_of(database, first, second)
        assert await cleanup.round(2) == {"notes": 12}
        assert (first.did, second.did) == ([3, 3], [3, 3])
        assert await cleanup.round(2) == {"notes": 2}
        assert await ids(database) == []

    run(database_url, scenario)


def test_others_write_between_two_batches(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "PAUSE", 0.05)

    async def scenario(database: Database) -> None:
        await fill(database, 20)
        job = CleanupJob(first=10)
        round_ = asyncio.create_task(cleanup_of(database, job).round())
        await eventually(lambda: job.did)
        for number in range(-5, 0):
            await database.write(insert(number))
        assert not round_.done()
        assert await round_ == {"notes": 10}

    run(database_url, scenario)


def test_it_does_a_round_now_and_then(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        job = CleanupJob()
        cleanup = cleanup_of(database, job)
        await cleanup.start()
        await cleanup.start()  # it is under way already
        for _ in range(3):
            with capture_logs() as logs:
                await fill(database, 2)
                await eventually(lambda logs=logs: sum(one["notes"] for one in logs) == 2)
            assert {one["event"] for one in logs} == {"expired rows were deleted"}
        await cleanup.stop()
        await under_way(database)
        done = len(job.did)
        await asyncio.sleep(0.1)
        assert len(job.did) == done

    run(database_url, scenario)


def test_a_round_that_deletes_nothing_says_nothing(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        job = CleanupJob()
        cleanup = cleanup_of(database, job)
        with capture_logs() as logs:
            await cleanup.start()
            await eventually(lambda: len(job.did) >= 2)
            await cleanup.stop()
        assert logs == []

    run(sqlite_url, scenario)


def test_it_goes_on_after_a_failure(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        await fill(database, 4)
        job = CleanupJob()
        job.fails = LookupError("a fault of the job")
        cleanup = cleanup_of(database, job)
        with capture_logs() as logs:
            await cleanup.start()
            await eventually(lambda: sum(job.did) == 4)
            await cleanup.stop()
        first = logs[0]
        assert (first["log_level"], first["exc_info"]) == ("error", True)

    run(database_url, scenario)


def test_a_database_that_cannot_be_reached_is_logged_once_a_round_and_it_goes_on() -> None:
    async def scenario() -> None:
        database = Database(NOBODY_LISTENS, 1, 5)
        cleanup = cleanup_of(database, CleanupJob(), CleanupJob())
        with capture_logs() as logs:
            await unavailable(cleanup.round())
        assert [one["event"] for one in logs] == ["the database cannot be reached"]
        with capture_logs() as logs:
            await cleanup.start()
            await eventually(lambda: len(logs) >= 3)
            await cleanup.stop()
        assert {one["event"] for one in logs} == {"the database cannot be reached"}
        await database.close()

    asyncio.run(scenario())


def test_it_stops_at_once_and_what_is_under_way_is_committed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "PAUSE", 3600.0)

    async def scenario(database: Database) -> None:
        await fill(database, 8)
        begun, go_on = asyncio.Event(), asyncio.Event()
        job = CleanupJob()

        async def slow(tx: Transaction, most: int) -> Mapping[str, int]:
            begun.set()
            await go_on.wait()
            return await job(tx, most)

        cleanup = cleanup_of(database, slow)
        await cleanup.start()
        await begun.wait()
        await asyncio.wait_for(cleanup.stop(), 20)
        go_on.set()
        await under_way(database)
        assert job.did == [3]
        assert len(await ids(database)) == 5

        paused = cleanup_of(database, job)
        await paused.start()
        await eventually(lambda: len(job.did) == 2)
        await under_way(database)
        await asyncio.wait_for(paused.stop(), 20)  # in the pause after a batch
        assert len(await ids(database)) == 2

    run(database_url, scenario)


def test_to_stop_what_was_never_started_is_nothing(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        await cleanup_of(database).stop()

    run(sqlite_url, scenario)


@pytest.mark.parametrize(("drawn", "seconds"), [(b"\0\0", 8.0), (b"\x80\0", 12.0), (b"\xff\xff", 16.0)])
def test_workers_do_not_all_go_at_once(sqlite_url: str, drawn: bytes, seconds: float) -> None:
    class Fixed(SystemRandomness):
        def bytes(self, count: int) -> bytes:
            assert count == len(drawn)
            return drawn

    async def scenario(database: Database) -> None:
        assert Cleanup(database, Fixed(), [])._spread(8.0) == pytest.approx(seconds, abs=0.001)

    run(sqlite_url, scenario)
