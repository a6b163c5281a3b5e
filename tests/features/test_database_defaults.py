"""Servers on a PostgreSQL database with defaults of its own, and on one that changes under them: no answer is a 500."""

import asyncio
from collections import Counter

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import StartServer
from tests.support.databases import needed_postgres_url, run_on_server
from tests.support.people import PASSWORD
from tests.support.servers import ServerProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.uncounted]


async def journey(client: httpx.AsyncClient, number: int) -> list[httpx.Response]:
    ada = {"username": f"ada{number}", "password": PASSWORD}
    answers = [await client.post("/register", json=ada, headers={"Idempotency-Key": f"key-{number}"})]
    answers.append(await client.post("/login", json=ada))
    tokens = answers[-1].json()
    bearer = {"Authorization": f"Bearer {tokens.get('access_token')}"}
    answers.append(await client.get("/me", headers=bearer))
    answers.append(await client.post("/refresh", json={"refresh_token": tokens.get("refresh_token")}))
    answers.append(await client.delete("/me/sessions", headers=bearer))
    answers.append(await client.post("/logout", headers=bearer))
    return answers


async def journeys(server: ServerProcess, first: int, count: int) -> Counter[int]:
    limit = asyncio.Semaphore(16)

    async def one(client: httpx.AsyncClient, number: int) -> list[httpx.Response]:
        async with limit:
            return await journey(client, number)

    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        found = await asyncio.gather(*(one(client, first + number) for number in range(count)))
    return Counter(answer.status_code for answers in found for answer in answers)


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_sixty_journeys_at_another_isolation_level(start_server: StartServer, postgres: str, level: str) -> None:
    name = make_url(postgres).database
    run_on_server(needed_postgres_url(), f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'")
    server = start_server(postgres, workers=2)
    assert asyncio.run(journeys(server, 0, 60)) == {200: 5 * 60, 201: 60}


CHANGES = [
    "ALTER TABLE users ADD COLUMN extra{0} text",
    "ALTER TABLE users ALTER COLUMN username TYPE varchar(30{0})",
    "ALTER TABLE sessions ALTER COLUMN user_agent TYPE varchar(60{0})",
    "ALTER TABLE audit_events ALTER COLUMN details TYPE varchar(9000{0})",
    "CREATE TYPE mood{0} AS ENUM ('good')",
    "ALTER TABLE revocations ALTER COLUMN subject TYPE varchar(8{0})",
]


def test_a_schema_that_changes_under_load(start_server: StartServer, postgres: str) -> None:
    server = start_server(postgres, workers=2)

    async def change() -> None:
        for round_ in range(4):
            for statement in CHANGES:
                await asyncio.to_thread(run_on_server, postgres, "SET lock_timeout = '2s'; " + statement.format(round_))
                await asyncio.sleep(0)

    async def scenario() -> None:
        await journeys(server, 0, 16)
        travelling = [asyncio.create_task(journeys(server, 100 * number, 16)) for number in range(1, 4)]
        await change()
        statuses = sum([await one for one in travelling], Counter[int]())
        statuses += await journeys(server, 1000, 16)
        assert statuses.keys() == {200, 201}, (statuses, server.output[-3000:])

    asyncio.run(scenario())


def test_a_server_whose_database_becomes_read_only_says_so_until_it_is_writable_again(
    start_server: StartServer, postgres: str
) -> None:
    name = make_url(postgres).database
    server = start_server(postgres, workers=2)

    def ready() -> int:
        return httpx.get(f"{server.url}/readyz").status_code

    def register(number: int) -> int:
        body = {"username": f"ada{number}", "password": PASSWORD}
        return httpx.post(f"{server.url}/register", json=body).status_code

    assert (ready(), register(0)) == (200, 201)
    run_on_server(
        needed_postgres_url(),
        f'ALTER DATABASE "{name}" SET default_transaction_read_only = on',
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    assert {ready() for _ in range(8)} == {503}
    assert {register(number) for number in range(1, 9)} == {503}
    assert {ready() for _ in range(8)} == {503}
    run_on_server(needed_postgres_url(), f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    assert {register(number) for number in range(10, 18)} == {201}
    until(lambda: {ready() for _ in range(4)} == {200})
    assert "the database is read-only" in server.plain_output
