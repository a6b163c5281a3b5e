"""A PostgreSQL that cannot be used now: `database_unavailable`, nothing half-written, and no restart afterwards."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from ostiary.core.randomness import SystemRandomness
from ostiary.persistence.database import Database
from ostiary.persistence.migrate import migrate
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import ids, insert, name_of, opened, run, unavailable
from tests.support.databases import needed_postgres_url, run_on_server

pytestmark = pytest.mark.postgres

END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"


async def on_server(*statements: str) -> None:
    await asyncio.to_thread(run_on_server, needed_postgres_url(), *statements)


def changed(url: str, **parts: object) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is ours, on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on which connections are taken and nothing is ever answered."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_nobody_listens(postgres: str, closed_port: int) -> None:
    async def scenario() -> None:
        async with opened(changed(postgres, port=closed_port)) as database:
            await unavailable(database.ping())
            await unavailable(database.write(insert(1)))

    asyncio.run(scenario())


def test_nobody_answers(postgres: str, silent_port: int) -> None:
    async def scenario() -> None:
        async with opened(changed(postgres, port=silent_port), timeout=0.2) as database:
            await unavailable(database.ping())

    asyncio.run(scenario())


def test_migrating_where_nobody_listens(postgres: str, closed_port: int) -> None:
    asyncio.run(unavailable(migrate(changed(postgres, port=closed_port), 5)))


@pytest.mark.parametrize(
    "parts", [{"database": "there_is_no_such_database"}, {"username": "there_is_no_such_role"}], ids=str
)
def test_a_database_or_role_that_does_not_exist(postgres: str, parts: dict[str, str]) -> None:
    async def scenario() -> None:
        async with opened(changed(postgres, **parts)) as database:
            await unavailable(database.ping())

    asyncio.run(scenario())


def test_a_connection_that_is_cut_amid_a_transaction(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        async def work(tx: Transaction) -> None:
            await insert(1)(tx)
            pid = await tx.session.scalar(text("SELECT pg_backend_pid()"))
            await on_server(f"SELECT pg_terminate_backend({pid})")
            await insert(2)(tx)

        await unavailable(database.write(work))
        assert await ids(database) == []
        await database.write(insert(1))
        assert await ids(database) == [1]

    run(postgres, scenario)


def test_a_connection_that_is_cut_just_before_the_commit(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        async def work(tx: Transaction) -> None:
            await insert(1)(tx)
            pid = await tx.session.scalar(text("SELECT pg_backend_pid()"))
            await on_server(f"SELECT pg_terminate_backend({pid})")

        await unavailable(database.write(work))
        assert await ids(database) == []

    run(postgres, scenario)


def test_connections_that_were_cut_while_idle_are_replaced_unnoticed(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        await asyncio.gather(*(database.ping() for _ in range(5)))
        await on_server(END_SESSIONS.format(name_of(database)))
        await asyncio.gather(*(database.ping() for _ in range(5)))

    run(postgres, scenario)


def test_a_database_that_takes_no_connections_for_a_while(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        name = name_of(database)
        await on_server(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false', END_SESSIONS.format(name))
        await unavailable(database.ping())
        await unavailable(database.write(insert(1)))
        await on_server(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await database.write(insert(1))
        assert await ids(database) == [1]

    run(postgres, scenario)


def test_a_server_that_has_no_connection_left(postgres: str) -> None:
    role = f"ostiary_test_{SystemRandomness().new_id()}"

    async def scenario() -> None:
        await on_server(f'CREATE ROLE "{role}" LOGIN CONNECTION LIMIT 1')
        await on_server(f'GRANT pg_read_all_data, pg_write_all_data TO "{role}"')
        try:
            url = changed(postgres, username=role)
            async with opened(url) as first, opened(url) as second:
                await first.ping()
                await unavailable(second.ping())
                await first.close()
                await second.ping()
        finally:
            await on_server(f'DROP ROLE "{role}"')

    asyncio.run(scenario())


def test_a_pool_whose_connections_are_all_taken(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
            await unavailable(database.ping())
            await unavailable(database.write(insert(1)))
        await database.write(insert(1))
        assert await ids(database) == [1]

    run(postgres, scenario, timeout=1.0, pool_size=1)


def test_a_row_that_another_program_keeps_locked(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1, "before"))
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def holding(tx: Transaction) -> None:
            await tx.session.execute(text("SELECT 1 FROM notes FOR UPDATE"))
            begun.set()
            await go_on.wait()

        async def work(tx: Transaction) -> None:
            await insert(2)(tx)
            await tx.session.execute(text("UPDATE notes SET text = 'after'"))

        holder = asyncio.create_task(database.write(holding))
        await begun.wait()
        await unavailable(database.write(work))
        go_on.set()
        await holder
        assert await ids(database) == [1]
        await database.write(work)
        assert await ids(database) == [1, 2]

    run(postgres, scenario, timeout=1.5)


def test_a_standby_that_only_reads(postgres: str) -> None:
    async def scenario(database: Database) -> None:
        name = name_of(database)
        await on_server(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on', END_SESSIONS.format(name))
        await unavailable(database.write(insert(1)))
        assert await ids(database) == []
        await on_server(f'ALTER DATABASE "{name}" RESET default_transaction_read_only', END_SESSIONS.format(name))
        await database.write(insert(1))
        assert await ids(database) == [1]

    run(postgres, scenario)
