"""Writers that wait for a locked table leave readers their connections, and give up before long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import StartServer

pytestmark = [pytest.mark.postgres, pytest.mark.uncounted]

ADA = {"username": "ada", "password": "correct horse battery"}


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def waiting_writers(url: str) -> int:
    """How many wait: for the table, or for their turn behind one that does."""
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        found: int = await connection.fetchval(query)
        return found
    finally:
        await connection.close()


def test_readers_are_served_while_forty_logins_wait(start_server: StartServer, postgres: str) -> None:
    server = start_server(postgres, workers=2, database_pool_size=4, database_timeout=30)
    httpx.post(f"{server.url}/register", json=ADA)
    tokens = httpx.post(f"{server.url}/login", json=ADA).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

    async def scenario() -> None:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            async with locked(postgres, "audit_events"):
                logins = [asyncio.create_task(client.post("/login", json=ADA)) for _ in range(40)]
                async with asyncio.timeout(20):
                    # Three in each worker, which leaves one connection.
                    while await waiting_writers(postgres) < 6:  # noqa: ASYNC110 - only the server knows
                        await asyncio.sleep(0.05)
                for _ in range(8):
                    async with httpx.AsyncClient(base_url=server.url, timeout=3) as reader:
                        assert (await reader.get("/me", headers=bearer)).status_code == 200
                first, _ = await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)
                for login in first:  # the lock is held for much longer than a writer waits
                    answer = login.result()
                    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
                    assert "Retry-After" in answer.headers
            statuses = {(await login).status_code for login in logins}
            assert statuses <= {200, 503}
            assert (await client.post("/login", json=ADA)).status_code == 200

    asyncio.run(scenario())
