"""UtcDateTime: what goes in aware comes out aware and in UTC, on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlalchemy.dialects.postgresql import dialect as postgres_dialect
from sqlalchemy.exc import StatementError

from ostiary.persistence.base import UtcDateTime
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import run

moments = Table("moments", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcDateTime()))


async def kept(database: Database, values: list[datetime | None]) -> list[datetime | None]:
    async def work(tx: Transaction) -> None:
        await (await tx.session.connection()).run_sync(moments.metadata.create_all)
        for number, value in enumerate(values):
            await tx.session.execute(moments.insert().values(id=number, at=value))

    await database.write(work)
    async with database.read() as session:
        return list(await session.scalars(select(moments.c.at).order_by(moments.c.id)))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC),
        datetime(2026, 11, 23, 23, 30, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
        datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=14))),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ],
    ids=str,
)
def test_a_moment_comes_back_in_utc(database_url: str, moment: datetime) -> None:
    (found,) = run(database_url, lambda database: kept(database, [moment]))
    assert found == moment
    assert found.utcoffset() == timedelta(0)


def test_nothing_stays_nothing(database_url: str) -> None:
    assert run(database_url, lambda database: kept(database, [None])) == [None]


def test_a_moment_without_a_time_zone_is_refused(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        with pytest.raises(StatementError, match="a moment needs a time zone"):
            await kept(database, [datetime(2026, 11, 23)])  # noqa: DTZ001 - that is the point

    run(database_url, scenario)


def test_moments_of_different_zones_compare_by_time(database_url: str) -> None:
    early = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=5)))
    late = datetime(2026, 11, 23, 8, tzinfo=UTC)

    async def scenario(database: Database) -> list[int]:
        await kept(database, [late, early])
        async with database.read() as session:
            return list(await session.scalars(select(moments.c.id).where(moments.c.at < late)))

    assert run(database_url, scenario) == [1]


def test_a_driver_that_answers_in_another_zone_is_turned_to_utc() -> None:
    local = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=5)))
    found = UtcDateTime().process_result_value(local, postgres_dialect())
    assert found is not None
    assert (found, found.tzinfo) == (local, UTC)
