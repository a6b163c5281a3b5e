"""A PostgreSQL server that takes TLS alone: pool, migrations and revocation feed connect in every spelling."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from ostiary.core.problems import Problem
from ostiary.persistence.database import Database
from ostiary.persistence.migrate import migrate
from ostiary.persistence.postgres_address import PostgresAddress
from tests.conftest import StartServer
from tests.support.certificates import Certificate, make_certificate
from tests.support.postgres_cluster import Cluster, cluster, free_port
from tests.support.waiting import until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.uncounted,
    # asyncpg closes the transport of a refused connection in a later turn of the loop, which may have ended by then.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <function _S:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _sockets_collected() -> Iterator[None]:
    yield
    gc.collect()  # here, where the filter above holds


USER = {"username": "user1", "password": "password123"}
ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
FEEDS = """
    SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
    WHERE application_name LIKE 'ostiary feed %' AND ssl
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(made: Certificate) -> Iterator[Cluster]:
    with cluster() as found:
        found.query("CREATE ROLE certified LOGIN SUPERUSER")
        found.stop()
        found.demand_tls(made, "hostssl all certified 127.0.0.1/32 trust clientcert=verify-ca")
        found.start()
        yield found


def url(server: Cluster, query: str, *, user: str = "postgres", host: str = "127.0.0.1") -> str:
    return f"postgresql://{user}@{host}:{server.port}/postgres?{query}"


async def asked(address: str, question: str) -> Any:
    database = Database(address, 2, 10)
    try:
        async with database.read() as session:
            return await session.scalar(text(question))
    finally:
        await database.close()


SPELLINGS = [
    "",
    "sslmode=prefer",
    "sslmode=require",
    "ssl=require",
    "ssl=true",
    "ssl=prefer",
    "sslmode=require&sslrootcert={root}",
    "sslmode=verify-ca&sslrootcert={root}",
    "sslmode=verify-full&sslrootcert={root}",
    "ssl=verify-full&sslrootcert={root}",
    "sslmode=require&ssl_min_protocol_version=TLSv1.3",
    "sslmode=require&connect_timeout=5&command_timeout=5&prepared_statement_cache_size=0&statement_cache_size=0",
]


@pytest.mark.parametrize("query", SPELLINGS)
def test_each_spelling_connects_with_tls(server: Cluster, made: Certificate, query: str) -> None:
    address = url(server, query.format(root=made.certificate))
    assert asyncio.run(asked(address, ENCRYPTED)) is True
    assert asyncio.run(migrate(address, 10)) is not None


def test_a_certificate_of_the_client_is_shown(server: Cluster, made: Certificate) -> None:
    with pytest.raises(Problem):
        asyncio.run(asked(url(server, "sslmode=require", user="certified"), ENCRYPTED))
    query = f"sslmode=require&sslcert={made.certificate}&sslkey={made.key}"
    assert asyncio.run(asked(url(server, query, user="certified"), ENCRYPTED)) is True


@pytest.mark.parametrize(
    ("query", "host"),
    [
        ("sslmode=disable", "127.0.0.1"),
        ("sslmode=verify-full&sslrootcert=system", "127.0.0.1"),
        ("sslmode=verify-full&sslrootcert={root}", "localhost"),  # the certificate is for 127.0.0.1
    ],
)
def test_a_server_that_cannot_be_trusted_is_not_used(server: Cluster, made: Certificate, query: str, host: str) -> None:
    with pytest.raises(Problem):
        asyncio.run(asked(url(server, query.format(root=made.certificate), host=host), ENCRYPTED))


def test_another_authority_is_refused(server: Cluster, tmp_path: Path) -> None:
    other = make_certificate(tmp_path)
    for mode in ("require", "verify-ca", "verify-full"):
        with pytest.raises(Problem):
            asyncio.run(asked(url(server, f"sslmode={mode}&sslrootcert={other.certificate}"), ENCRYPTED))


def sockets(server: Cluster) -> list[str]:
    encoded = str(server.sockets).replace("/", "%2F")
    return [
        f"postgresql:///postgres?host={server.sockets}&port={server.port}&user=postgres",
        f"postgres://postgres@{encoded}:{server.port}/postgres?sslmode=require",
    ]


def test_unix_sockets_in_both_spellings(server: Cluster) -> None:
    for address in sockets(server):
        assert asyncio.run(asked(address, "SELECT inet_client_addr() IS NULL")) is True


def test_settings_of_the_server_reach_it(server: Cluster) -> None:
    address = url(server, "application_name=auth&options=-csearch_path%3Dpg_catalog")
    assert asyncio.run(asked(address, "SHOW application_name")) == "auth"
    assert asyncio.run(asked(address, "SHOW search_path")) == "pg_catalog"


def test_of_several_hosts_the_one_that_answered_is_asked_first(server: Cluster) -> None:
    address = PostgresAddress(f"postgresql://postgres@127.0.0.1:{free_port()},127.0.0.1:{server.port}/postgres", 10)

    async def scenario() -> None:
        for at in (1, 1):
            connection = await address.connect()
            await connection.close()
            assert address._at == at

    asyncio.run(scenario())


def test_a_host_that_answers_nothing_costs_its_share_of_the_time(server: Cluster) -> None:
    async def scenario(port: int) -> None:
        address = PostgresAddress(f"postgresql://postgres@127.0.0.1:{port},127.0.0.1:{server.port}/postgres", 2)
        connection = await address.connect()
        assert connection.get_server_pid() > 0
        await connection.close()
        # A caller's own limit moves on to the next host, too: the probe of a silent database is such a caller.
        address._at = 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await address.connect()
        assert address._at == 1

    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes connections, nobody answers
        asyncio.run(scenario(silent.getsockname()[1]))


def test_a_standby_among_the_hosts_is_passed_over(server: Cluster) -> None:
    address = PostgresAddress(url(server, "target_session_attrs=primary"), 10)

    async def scenario() -> None:
        connection = await address.connect(application_name="ostiary feed x", command_timeout=3)
        assert await connection.fetchval("SHOW application_name") == "ostiary feed x"
        await connection.close()

    asyncio.run(scenario())


def test_a_wrong_password_is_no_reason_to_ask_the_next_host(server: Cluster) -> None:
    address = PostgresAddress(
        f"postgresql://nobody@127.0.0.1:{server.port},127.0.0.1:{free_port()}/postgres?sslmode=require", 10
    )
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        asyncio.run(address.connect())


@pytest.mark.parametrize("query", ["sslmode=require", "ssl=require", "sslmode=verify-full&sslrootcert={root}"])
def test_log_outs_are_pushed_over_tls(
    server: Cluster, made: Certificate, start_server: StartServer, query: str
) -> None:
    running = start_server(url(server, query.format(root=made.certificate)), workers=2)
    until(lambda: server.query(FEEDS) == "2")
    httpx.post(f"{running.url}/register", json=USER)
    token = httpx.post(f"{running.url}/login", json=USER).json()["access_token"]
    as_user = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{running.url}/protected", headers=as_user).status_code == 200
    assert httpx.post(f"{running.url}/logout", headers=as_user, json={}).is_success
    for _ in range(8):
        assert httpx.get(f"{running.url}/protected", headers=as_user).status_code == 401
    assert "revocations are not pushed" not in running.plain_output
