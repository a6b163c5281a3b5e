"""What a proxy takes out of the head, or puts into it, does not come back as a trailer."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.conftest import DIRECT, Proxies
from tests.support.raw_http import chunked, exchange, status_of
from tests.support.smuggling import credentials

pytestmark = pytest.mark.uncounted

FORGED = "198.51.100.66"
BEHIND = (DIRECT, "haproxy-edit", "haproxy-plain", "haproxy-reuse", "nginx-plain", "caddy")
"""HAProxy hands trailers on; the others drop them."""


@pytest.fixture(params=BEHIND)
def behind(request: pytest.FixtureRequest, proxies: Proxies) -> str:
    return proxies.url(request.param)


@pytest.fixture
def people(proxies: Proxies, request: pytest.FixtureRequest) -> Iterator[tuple[httpx.Client, str]]:
    """A client without a proxy, and the name of a user of the test's own."""
    name = f"trailers-{abs(hash(request.node.name))}"[:30]
    with httpx.Client(base_url=proxies.url(DIRECT), timeout=30) as client:
        assert client.post("/register", content=credentials(name), headers=JSON).status_code == 201
        yield client, name


JSON = {"Content-Type": "application/json"}


def request(method: str, path: str, body: bytes, trailer: str, *fields: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "Connection: close", "Transfer-Encoding: chunked"]
    message = chunked([body] if body else [])
    return "\r\n".join([*lines, "", ""]).encode() + message[:-2] + trailer.encode() + b"\r\n\r\n"


def token_of(client: httpx.Client, name: str) -> str:
    token: str = client.post("/login", content=credentials(name), headers=JSON).json()["access_token"]
    return token


def test_a_token_in_a_trailer_authenticates_nobody(behind: str, people: tuple[httpx.Client, str]) -> None:
    bearer = f"Authorization: Bearer {token_of(*people)}"
    for announced in ((), ("Trailer: Authorization",)):
        answer = exchange(behind, request("GET", "/protected", b"", bearer, *announced))
        assert status_of(answer) == 401, answer


def test_a_content_type_in_a_trailer_does_not_count(behind: str, people: tuple[httpx.Client, str]) -> None:
    answer = exchange(behind, request("POST", "/login", credentials(people[1]), "Content-Type: application/json"))
    assert status_of(answer) == 415, answer


def test_an_address_in_a_trailer_is_not_stored(behind: str, people: tuple[httpx.Client, str]) -> None:
    client, name = people
    json_type = "Content-Type: application/json"
    answer = exchange(behind, request("POST", "/login", credentials(name), f"X-Forwarded-For: {FORGED}", json_type))
    assert status_of(answer) == 200, answer
    body = answer.partition(b"\r\n\r\n")[2]
    token = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    sessions = client.get("/me/sessions", headers=bearer)
    assert sessions.status_code == 200
    assert FORGED not in sessions.text
    assert '"127.0.0.1"' in sessions.text
    assert FORGED not in client.get("/me/audit-events", headers=bearer).text


def test_a_token_that_haproxy_takes_away_does_not_arrive(proxies: Proxies, people: tuple[httpx.Client, str]) -> None:
    bearer = {"Authorization": f"Bearer {token_of(*people)}"}
    assert httpx.get(f"{proxies.url(DIRECT)}/protected", headers=bearer).status_code == 200
    assert httpx.get(f"{proxies.url('haproxy-edit')}/protected", headers=bearer).status_code == 401
