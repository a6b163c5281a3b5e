"""Real parallel requests against two worker processes, on each kind of database."""

import asyncio
import signal
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from tests.conftest import StartServer
from tests.support.people import PASSWORD
from tests.support.servers import ServerProcess

pytestmark = pytest.mark.uncounted  # the servers are processes of their own

UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=0)
ADA = {"username": "ada", "password": PASSWORD}


@pytest.fixture
def server(start_server: StartServer, database_url: str) -> ServerProcess:
    return start_server(database_url, workers=2, hash_threads=1)


def together(server: ServerProcess, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    """Send all requests at once, each on a connection of its own, so that both workers get some."""

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=UNLIMITED) as client:
            calls: list[Coroutine[Any, Any, httpx.Response]] = [
                client.request(method, path, **kwargs) for method, path, kwargs in requests
            ]
            return await asyncio.gather(*calls)

    return asyncio.run(send())


def one(server: ServerProcess, method: str, path: str, **kwargs: Any) -> httpx.Response:
    return together(server, (method, path, kwargs))[0]


def bearer(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def test_of_many_registrations_of_one_name_one_succeeds(server: ServerProcess) -> None:
    spellings = ["ada", "Ada", "ADA", "aDa"] * 8
    answers = together(
        server, *(("POST", "/register", {"json": {"username": name, "password": PASSWORD}}) for name in spellings)
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 31}


def test_64_logins_at_once_all_succeed(server: ServerProcess) -> None:
    one(server, "POST", "/register", json=ADA)
    answers = together(server, *[("POST", "/login", {"json": ADA})] * 64)
    assert Counter(answer.status_code for answer in answers) == {200: 64}
    assert len({answer.json()["session_id"] for answer in answers}) == 64
    assert "locked" not in server.output


def test_50_refreshes_of_one_token_give_one_successor_and_no_alarm(server: ServerProcess) -> None:
    one(server, "POST", "/register", json=ADA)
    pair = one(server, "POST", "/login", json=ADA).json()
    answers = together(server, *[("POST", "/refresh", {"json": {"refresh_token": pair["refresh_token"]}})] * 50)
    assert Counter(answer.status_code for answer in answers) == {200: 50}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert {answer.json()["session_id"] for answer in answers} == {pair["session_id"]}
    assert one(server, "GET", "/protected", headers=bearer(pair)).status_code == 200


def test_a_token_logged_out_is_refused_by_every_worker_and_after_a_restart(
    start_server: StartServer, database_url: str
) -> None:
    server = start_server(database_url, workers=2)
    one(server, "POST", "/register", json=ADA)
    pair, other = (one(server, "POST", "/login", json=ADA).json() for _ in range(2))
    ask = [("GET", "/protected", {"headers": bearer(pair)})] * 16
    # Both workers have seen and remembered the token before it is logged out.
    assert Counter(answer.status_code for answer in together(server, *ask)) == {200: 16}
    assert one(server, "POST", "/logout", headers=bearer(pair)).status_code == 200
    assert Counter(answer.status_code for answer in together(server, *ask)) == {401: 16}

    server.stop(signal.SIGKILL)
    again = start_server(database_url, workers=2, issuer=server.url.rsplit(":", 1)[0] + ":0")
    assert Counter(answer.status_code for answer in together(again, *ask)) == {401: 16}
    assert one(again, "GET", "/protected", headers=bearer(other)).status_code == 200


def test_an_account_deleted_amid_other_requests_fails_none_of_them(server: ServerProcess) -> None:
    """Each is answered as before the deletion or as after it; none meets a row that has gone with 5xx."""
    for turn in range(6):
        ada = {"username": f"ada-{turn}", "password": PASSWORD}
        one(server, "POST", "/register", json=ada)
        pair, *others = (one(server, "POST", "/login", json=ada).json() for _ in range(5))
        answers = together(
            server,
            *[("POST", "/login", {"json": ada})] * 8,
            *[("POST", "/refresh", {"json": {"refresh_token": other["refresh_token"]}}) for other in others * 4],
            *[("DELETE", "/me", {"headers": bearer(pair)})] * 3,
            *[("GET", "/me", {"headers": bearer(pair)})] * 4,
            *[("POST", "/logout", {"headers": bearer(other)}) for other in others],
        )
        assert {answer.status_code for answer in answers} <= {200, 204, 401}, server.output
        assert sum(answer.status_code == 204 for answer in answers) == 1
        assert one(server, "POST", "/login", json=ada).status_code == 401


def test_no_secret_is_logged_even_at_debug(start_server: StartServer, database_url: str) -> None:
    server = start_server(database_url, log_level="debug", log_format="json")
    secrets = [PASSWORD, "a wrong password", "argon2"]
    one(server, "POST", "/register", json=ADA)
    pair = one(server, "POST", "/login", json=ADA).json()
    secrets += [pair["access_token"], pair["refresh_token"]]
    one(server, "POST", "/login", json={**ADA, "password": "a wrong password"})
    one(server, "GET", "/protected", headers=bearer(pair))
    one(server, "GET", "/protected", headers={"Authorization": f"Bearer {pair['access_token']}x"})
    successor = one(server, "POST", "/refresh", json={"refresh_token": pair["refresh_token"]}).json()
    secrets += [successor["access_token"], successor["refresh_token"]]
    one(server, "POST", "/register", json={**ADA, "username": "grace", "password": "password123"})
    one(server, "POST", "/register", content=b'{"password": "a wrong password"', headers={"Content-Type": "text/x"})
    one(server, "POST", "/logout", headers=bearer(pair))
    server.stop()
    assert "common password" in server.output  # something was logged, so the silence below means something
    for secret in secrets:
        assert secret not in server.output
