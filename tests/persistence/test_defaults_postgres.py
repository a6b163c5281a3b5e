"""Whatever a PostgreSQL database has as defaults, and whatever is done to it: what is needed is set, or refused."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import bindparam, literal_column, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from ostiary.core.randomness import SystemRandomness
from ostiary.persistence import fitness
from ostiary.persistence.database import Database, duplicated
from ostiary.persistence.fitness import UnfitDatabase
from ostiary.persistence.migrate import migrate
from ostiary.persistence.point_query import PointQuery
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import ids, insert, name_of, notes, opened, run, unavailable
from tests.persistence.test_outages_postgres import END_SESSIONS, changed, on_server
from tests.support.databases import needed_postgres_url, postgres_database, run_on_server

pytestmark = pytest.mark.postgres

DEFAULTS = {
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "statement_timeout": "150",
    "lock_timeout": "1",
    "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "1000000",
    "synchronous_commit": "off",
}


def set_defaults(url: str, defaults: dict[str, str]) -> None:
    name = make_url(url).database
    run_on_server(
        needed_postgres_url(), *(f"ALTER DATABASE \"{name}\" SET {one} = '{to}'" for one, to in defaults.items())
    )


async def settings_of(database: Database, names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}

    async def work(tx: Transaction) -> None:
        for name in names:
            found[name] = str(await tx.session.scalar(text("SELECT current_setting(:name)"), {"name": name}))

    await database.write(work)
    return found


def test_what_a_connection_needs_is_set_whatever_the_database_has(postgres: str) -> None:
    set_defaults(postgres, DEFAULTS)

    async def scenario(database: Database) -> None:
        assert await settings_of(database, [*DEFAULTS, "transaction_isolation"]) == {
            "transaction_isolation": "read committed",
            "default_transaction_isolation": "read committed",
            "default_transaction_deferrable": "off",
            "statement_timeout": "10s",
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "1min",
            "idle_session_timeout": "0",
            "synchronous_commit": "on",
        }

    run(postgres, scenario)


def test_a_stronger_synchronous_commit_stays(postgres: str) -> None:
    set_defaults(postgres, {"synchronous_commit": "remote_apply"})

    async def scenario(database: Database) -> None:
        assert await settings_of(database, ["synchronous_commit"]) == {"synchronous_commit": "remote_apply"}

    run(postgres, scenario)


def test_a_database_with_short_time_outs_is_migrated_all_the_same(newest_revisions: list[str]) -> None:
    with postgres_database(needed_postgres_url()) as url:
        set_defaults(url, DEFAULTS | {"statement_timeout": "20"})
        assert asyncio.run(migrate(url, 10)) == newest_revisions


def test_a_refused_row_names_its_constraint_in_every_language(postgres: str) -> None:
    statement = """DO $$ BEGIN RAISE EXCEPTION 'doppelter Schlüsselwert verletzt Unique-Constraint »x«'
        USING ERRCODE = '23505', CONSTRAINT = 'users_email_key'; END $$"""

    async def scenario(database: Database) -> None:
        with pytest.raises(IntegrityError) as refusal:
            await database.write(lambda tx: tx.session.execute(text(statement)))
        assert duplicated(refusal.value) == "users_email_key"

    run(postgres, scenario)


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_unit_of_work_that_is_given_up_for_anothers_sake_is_run_again(postgres: str, state: str) -> None:
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        await insert(1)(tx)
        if runs < 8:
            await tx.session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))

    async def scenario(database: Database) -> None:
        await database.write(work)
        assert await ids(database) == [1]

    run(postgres, scenario)
    assert runs == 8


def test_and_given_up_by_us_when_that_never_ends(postgres: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.session.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))

    run(postgres, lambda database: unavailable(database.write(work)))


def test_also_in_a_transaction_that_is_held(postgres: str) -> None:
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        await insert(1)(tx)
        if runs < 3:
            await tx.session.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))

    async def scenario(database: Database) -> None:
        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(work)
        await deferred.commit(insert(2))
        assert await ids(database) == [1, 2]

    run(postgres, scenario)


READ_ONLY = 'ALTER DATABASE "{}" SET default_transaction_read_only = on'
WRITABLE = 'ALTER DATABASE "{}" RESET default_transaction_read_only'


def test_no_write_fails_once_a_read_only_database_is_writable_again(
    postgres: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario(database: Database) -> None:
        name = name_of(database)
        await database.ping()
        await on_server(READ_ONLY.format(name), END_SESSIONS.format(name))
        await unavailable(database.write(insert(1)))
        await unavailable(database.ping())
        assert await ids(database) == []
        await on_server(WRITABLE.format(name))  # the open connections stay as they are
        await database.write(insert(1))
        await database.ping()
        assert await ids(database) == [1]

    run(postgres, scenario)
    printed = capsys.readouterr().out
    assert "the database is read-only" in printed
    assert "cannot be reached" not in printed


def test_a_probe_alone_finds_that_it_is_read_only_and_that_it_is_no_more(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        name = name_of(database)
        await on_server(READ_ONLY.format(name), END_SESSIONS.format(name))
        await unavailable(database.ping())
        await on_server(WRITABLE.format(name))
        await database.ping()  # on a new connection: it has left the one from before

    run(postgres, scenario)


@pytest.mark.parametrize(
    "trouble",
    [
        "DROP TABLE audit_events CASCADE",
        "ALTER TABLE users RENAME TO others",
        "DROP SCHEMA public CASCADE",
        "ALTER TABLE sessions RENAME COLUMN user_agent TO other",
    ],
)
def test_a_database_without_its_tables_is_not_ready(postgres: str, trouble: str) -> None:
    run_on_server(postgres, trouble)

    async def scenario() -> None:
        async with opened(postgres) as database:
            await unavailable(database.ping())

    asyncio.run(scenario())


def test_a_search_path_that_changes_under_a_running_server_is_no_fault_of_ours(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        name = name_of(database)
        await on_server(f'ALTER DATABASE "{name}" SET search_path = nowhere', END_SESSIONS.format(name))
        await unavailable(ids(database))
        await unavailable(database.write(insert(1)))
        await unavailable(database.ping())
        await on_server(f'ALTER DATABASE "{name}" RESET search_path')
        await database.write(insert(1))
        await database.ping()

    run(postgres, scenario)


def test_a_role_that_may_no_longer_write_is_not_ready(postgres: str) -> None:
    role = f"ostiary_test_{SystemRandomness().new_id()}"

    async def scenario() -> None:
        await on_server(f'CREATE ROLE "{role}" LOGIN IN ROLE pg_read_all_data')
        try:
            async with opened(changed(postgres, username=role)) as database:
                await unavailable(database.ping())
        finally:
            await on_server(f'DROP ROLE "{role}"')

    asyncio.run(scenario())


def refused(url: str) -> str:
    with pytest.raises(UnfitDatabase) as unfit:
        asyncio.run(migrate(url, 10))
    told = str(unfit.value)
    assert "\n" not in told
    return told


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_in_another_encoding_is_refused(encoding: str) -> None:
    options = f"TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
    with postgres_database(needed_postgres_url(), options) as url:
        assert f"encoding is {encoding}" in refused(url)


def test_a_read_only_database_is_refused(postgres: str) -> None:
    set_defaults(postgres, {"default_transaction_read_only": "on"})
    assert "read-only" in refused(postgres)


def test_an_old_server_is_refused(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitness, "MIN_POSTGRES", 990000)
    assert "use version 99 or a newer one" in refused(postgres)


def test_a_search_path_that_leads_nowhere_is_refused() -> None:
    with postgres_database(needed_postgres_url()) as url:
        set_defaults(url, {"search_path": "nowhere"})
        assert "search_path is 'nowhere'" in refused(url) or 'search_path is "nowhere"' in refused(url)


def test_a_search_path_that_names_a_schema_is_respected(newest_revisions: list[str]) -> None:
    with postgres_database(needed_postgres_url()) as url:
        run_on_server(url, "CREATE SCHEMA auth")
        set_defaults(url, {"search_path": "auth"})
        assert asyncio.run(migrate(url, 10)) == newest_revisions

        async def scenario() -> None:
            async with opened(url) as database, database.read() as session:
                assert await session.scalar(text("SELECT 'auth.users'::regclass IS NOT NULL"))
                await database.ping()

        asyncio.run(scenario())


def test_a_role_that_may_not_create_tables_is_refused() -> None:
    role = f"ostiary_test_{SystemRandomness().new_id()}"
    with postgres_database(needed_postgres_url()) as url:
        run_on_server(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC", f'CREATE ROLE "{role}" LOGIN')
        try:
            assert "permission denied for schema public" in refused(changed(url, username=role))
        finally:
            run_on_server(url, f'DROP ROLE "{role}"')


CHANGES = [
    "ALTER TABLE notes ALTER COLUMN text TYPE varchar({size})",
    "ALTER TABLE notes ADD COLUMN extra{size} text",
    "CREATE TYPE mood{size} AS ENUM ('good')",
]


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest) -> Iterator[Any]:
    sizes = iter(range(300, 1000))
    return lambda url: asyncio.to_thread(run_on_server, url, request.param.format(size=next(sizes)))


def test_no_read_or_write_fails_when_the_schema_changes(postgres: str, change: Any) -> None:
    """One connection: what it has prepared is stale after each change."""
    statement = select(literal_column("1"), notes.c.text).where(notes.c.text == bindparam("text"))

    async def read_twice(database: Database) -> list[str]:
        async with database.read() as session:
            first = await session.scalars(select(notes.c.text))
            return [*first, *await session.scalars(select(notes.c.text).order_by(notes.c.text))]

    async def read_and_write(tx: Transaction) -> None:
        number = await tx.session.scalar(select(notes.c.id).order_by(notes.c.id.desc()))
        found = await tx.session.scalar(select(notes.c.text).where(notes.c.id == number))
        await insert((number or 0) + 1, found or "")(tx)

    async def scenario(database: Database) -> None:
        await database.write(insert(1, "here"))
        query = PointQuery(database, statement)
        for rows in range(1, 4):
            assert await read_twice(database) == ["here"] * 2 * rows
            await change(postgres)
            assert await query.exists(text="here")
            await change(postgres)
            await database.write(read_and_write)
            await change(postgres)

    run(postgres, scenario, pool_size=1)


def test_nor_in_a_transaction_that_is_held(postgres: str, change: Any) -> None:
    async def work(tx: Transaction) -> None:
        assert await tx.session.scalar(select(notes.c.text)) == "here"

    async def scenario(database: Database) -> None:
        await database.write(insert(1, "here"))
        for number in range(2, 5):
            deferred = database.defer_commit()
            with deferred.in_force():
                await database.write(insert(number, "here"))
                await database.write(work)
            await deferred.commit(work)
            await change(postgres)

    run(postgres, scenario, pool_size=1)


def test_a_server_that_forgets_what_was_prepared_is_asked_anew(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        for number in range(3):
            await database.write(insert(number))
            assert len(await ids(database)) == number + 1
            async with database.engine.connect() as connection:
                await connection.execute(text("DEALLOCATE ALL"))

    run(postgres, scenario, pool_size=1)
