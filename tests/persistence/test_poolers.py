"""A real PgBouncer: session pooling works, transaction pooling is recognized, and works with a direct connection."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from ostiary.persistence import postgres_pooling
from ostiary.persistence.database import Database
from ostiary.persistence.fitness import UnfitDatabase
from ostiary.persistence.postgres_pooling import check_notifications
from ostiary.persistence.transaction import Transaction
from tests.conftest import StartServer
from tests.support.databases import run_on_server
from tests.support.pgbouncer import pgbouncer
from tests.support.servers import ServerProcess, environment_without_settings
from tests.support.settings import environment_of, settings_for

pytestmark = [pytest.mark.postgres, pytest.mark.uncounted]

PASSWORD = "correct horse battery"


def log_in(server: ServerProcess, name: str) -> dict[str, str]:
    answer = httpx.post(f"{server.url}/login", json={"username": name, "password": PASSWORD}, timeout=30)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def revocations_are_pushed(server: ServerProcess) -> None:
    """Many log in and out at once; each logout holds at every worker at once, and none waits for a deaf one."""
    names = [f"user{number}" for number in range(8)]

    def come_and_go(name: str) -> None:
        body = {"username": name, "password": PASSWORD}
        assert httpx.post(f"{server.url}/register", json=body, timeout=30).status_code == 201
        for _ in range(3):
            as_user = log_in(server, name)
            assert httpx.get(f"{server.url}/protected", headers=as_user, timeout=30).status_code == 200
            assert httpx.post(f"{server.url}/logout", headers=as_user, json={}, timeout=30).is_success
            for _ in range(4):
                assert httpx.get(f"{server.url}/protected", headers=as_user, timeout=30).status_code == 401

    with ThreadPoolExecutor(8) as together:
        list(together.map(come_and_go, names))
    assert "did not say that they know a revocation" not in server.plain_output
    assert "not pushed" not in server.plain_output
    assert "Traceback" not in server.plain_output


def test_session_pooling_works(postgres: str, start_server: StartServer) -> None:
    with pgbouncer(postgres, "session", 30) as pooled:
        server = start_server(pooled, workers=2)
        revocations_are_pushed(server)
        server.stop()


def test_transaction_pooling_works_with_an_address_to_listen_at(postgres: str, start_server: StartServer) -> None:
    # Fewer connections than the workers have: each transaction may get another one.
    with pgbouncer(postgres, "transaction", 5) as pooled:
        server = start_server(pooled, database_listen_url=postgres, workers=2)
        revocations_are_pushed(server)
        server.stop()


def test_transaction_pooling_alone_is_a_line_at_the_start(postgres: str, tmp_path: Path) -> None:
    with pgbouncer(postgres, "transaction", 5) as pooled:
        done = subprocess.run(
            [sys.executable, "-m", "ostiary.cli", "serve"],
            env={**environment_without_settings(), **environment_of(settings_for(pooled, tmp_path, port=0))},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("ostiary: ")]
    assert "OSTIARY_DATABASE_URL leads to a pooler in transaction mode" in told
    assert told.endswith("set OSTIARY_DATABASE_LISTEN_URL to the database's own address")
    assert "Traceback" not in done.stderr


def test_each_pooling_is_recognized(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pooling, "TRIES", 2)
    asyncio.run(check_notifications(postgres, "", 10))
    with pgbouncer(postgres, "session", 5) as pooled:
        asyncio.run(check_notifications(pooled, "", 10))
    with pgbouncer(postgres, "transaction", 5) as pooled:
        asyncio.run(check_notifications(pooled, postgres, 10))
        for listen in ("", pooled):
            with pytest.raises(UnfitDatabase, match="in transaction mode"):
                asyncio.run(check_notifications(pooled, listen, 10))


def test_another_database_to_listen_at_is_recognized(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pooling, "TRIES", 1)
    other = postgres.rpartition("/")[0] + "/postgres"
    with pytest.raises(UnfitDatabase, match="both must lead to the same database"):
        asyncio.run(check_notifications(postgres, other, 10))


def test_each_transaction_brings_its_settings_and_leaves_none_behind(postgres: str) -> None:
    async def settings(database: Database) -> tuple[str, ...]:
        async def work(tx: Transaction) -> tuple[str, ...]:
            names = ("transaction_isolation", "statement_timeout", "lock_timeout", "synchronous_commit")
            return tuple([str(await tx.session.scalar(text(f"SHOW {name}"))) for name in names])

        return await database.write(work)

    async def scenario(pooled: str) -> None:
        database = Database(pooled, 4, 9, by_transaction=True)
        try:
            found = await asyncio.gather(*(settings(database) for _ in range(12)))
            assert set(found) == {("read committed", "9s", "5s", "on")}
            async with database.read() as session:
                assert await session.scalar(text("SHOW statement_timeout")) == "9s"
        finally:
            await database.close()
        plain = Database(pooled, 2, 9, by_transaction=False)
        connection = await plain.address.connect(statement_cache_size=0)  # type: ignore[union-attr]
        assert await connection.fetchval("SHOW statement_timeout") == "0"
        assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0
        await connection.close()
        await plain.close()

    name = postgres.rpartition("/")[2]
    run_on_server(postgres, f'ALTER DATABASE "{name}" SET default_transaction_isolation = serializable')
    with pgbouncer(postgres, "transaction", 1) as pooled:
        asyncio.run(scenario(pooled))
