"""Two workers whose database goes silent: probes and requests are answered at once, and all is well when it is back."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import StartServer
from tests.support.freezing_proxy import DOWN, FreezingProxy, proxied
from tests.support.servers import ServerProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.uncounted]

TIMEOUT = 30
PATIENCE = 8.0
"""Seconds for any answer: generous on a busy machine, and far below the time-out of the database."""
ADA = {"username": "ada", "password": "correct horse battery"}


@pytest.fixture
def proxy(postgres: str) -> Iterator[FreezingProxy]:
    url = make_url(postgres)
    with proxied((url.host or "127.0.0.1", url.port or 5432)) as proxy:
        yield proxy


@pytest.fixture
def server(start_server: StartServer, postgres: str, proxy: FreezingProxy) -> ServerProcess:
    url = make_url(postgres).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    return start_server(url, workers=2, database_timeout=TIMEOUT, access_token_seconds=900)


def statuses(server: ServerProcess, method: str, path: str, tokens: dict[str, str], count: int = 6) -> set[int]:
    """The statuses of requests on connections of their own, so that both workers get some."""
    body = {"/login": ADA, "/refresh": {"refresh_token": tokens["refresh_token"]}}.get(path)
    found = set()
    for _ in range(count):
        answer = httpx.request(
            method,
            server.url + path,
            json=body,
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
            timeout=PATIENCE,
        )
        found.add(answer.status_code)
        if answer.status_code == 503:
            assert answer.json()["code"] == "database_unavailable"
            assert int(answer.headers["Retry-After"]) > 0
    return found


@pytest.mark.parametrize("ways", [(), (DOWN,)], ids=["both ways", "only the answers"])
def test_probes_and_requests_are_answered_and_all_is_well_afterwards(
    server: ServerProcess, proxy: FreezingProxy, ways: tuple[str, ...]
) -> None:
    assert httpx.post(f"{server.url}/register", json=ADA).status_code == 201
    tokens = httpx.post(f"{server.url}/login", json=ADA).json()
    assert statuses(server, "GET", "/readyz", tokens) == {200}
    proxy.freeze(*ways)
    assert statuses(server, "GET", "/readyz", tokens) == {503}
    for method, path in (("POST", "/login"), ("POST", "/refresh"), ("GET", "/me"), ("POST", "/logout")):
        assert statuses(server, method, path, tokens, 3) == {503}, path
    # A worker trusts its memory for 3 s after it has heard from the database.
    until(lambda: statuses(server, "GET", "/protected", tokens) == {503})
    assert statuses(server, "GET", "/healthz", tokens) == {200}
    proxy.thaw()
    until(lambda: statuses(server, "GET", "/readyz", tokens) == {200})
    until(lambda: statuses(server, "GET", "/protected", tokens) == {200})
    assert statuses(server, "POST", "/login", tokens) == {200}
    assert httpx.post(
        f"{server.url}/logout", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    ).status_code in (200, 401)  # the one that was refused may have been committed all the same
    assert statuses(server, "GET", "/protected", tokens) == {401}


def test_readiness_of_a_database_that_hangs_is_answered_while_its_first_question_waits(
    server: ServerProcess, proxy: FreezingProxy
) -> None:
    proxy.freeze()
    for _ in range(4):
        assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 503
    proxy.thaw()
    until(lambda: httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200)
