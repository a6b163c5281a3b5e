"""Methods, addresses and headers that nobody should send."""

from collections.abc import Iterator

import httpx
import pytest

from .answers import Contract, address
from .deployment import Deployment

TIMEOUT = 15.0

BAD_PATHS = (
    "/nothing",
    "/login/",
    "/LOGIN",
    "/login%00",
    "/login%2f",
    "/%6cogin%ff",
    "/protected/admin/more",
    "/protected%2Fadmin%20",
    "/..%2f..%2fetc%2fpasswd",
    "/docs/..%2f..%2fsettings.py",
    "/docs/%2e%2e%2fapp.py",
    "/problems/",
    "/%f0%9f%94%91",
    "/%ff%fe",
    "/" + "a" * 20_000,
    "/" + "a/" * 5_000,
    "/;jsessionid=1",
    "/static/",
    "/.env",
    "/.git/config",
)
BAD_PARAMETERS = ("%00", "%ff%fe", "..%2f..%2fetc%2fpasswd", "%2e%2e", "%20", "%0d%0aSet-Cookie:a=b", "x" * 10_000)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "FOO")


@pytest.fixture(scope="module")
def client(deployment: Deployment) -> Iterator[httpx.Client]:
    with deployment.client(TIMEOUT) as found:
        yield found


@pytest.fixture(scope="module")
def contract(deployment: Deployment) -> Contract:
    return Contract(deployment.contract)


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda path: path[:40])
def test_addresses_outside_the_contract(client: httpx.Client, contract: Contract, path: str) -> None:
    for method in ("GET", "POST", "PROPFIND"):
        answer = client.request(method, httpx.URL(str(client.base_url)).copy_with(raw_path=path.encode()))
        if answer.status_code in (414, 431):
            continue  # too long for the HTTP server, which knows nothing of problems
        assert contract.faults_outside_operations(answer) == [], f"{method} {path[:60]}"


@pytest.mark.parametrize("value", BAD_PARAMETERS, ids=lambda value: value[:40])
def test_bad_path_parameters(client: httpx.Client, contract: Contract, deployment: Deployment, value: str) -> None:
    for template in ("/docs/{asset}", "/problems/{code}"):
        assert f"GET {template}" in deployment.operations
        path = template.partition("{")[0] + value
        answer = client.get(httpx.URL(str(client.base_url)).copy_with(raw_path=path.encode()))
        assert answer.status_code == 404, path[:60]
        assert contract.faults_outside_operations(answer) == [], path[:60]
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", METHODS)
def test_every_method_on_every_address(
    client: httpx.Client, contract: Contract, deployment: Deployment, method: str
) -> None:
    for path, item in deployment.contract["paths"].items():
        answer = client.request(method, address(path))
        if method.lower() in item:
            assert contract.faults(method, path, answer) == [], path
        elif method in ("HEAD", "OPTIONS"):
            # The framework's own: HEAD where there is GET (RFC 9110 section 9.3.2), OPTIONS everywhere.
            assert answer.status_code < 500, path
            assert method == "OPTIONS" or answer.content == b"", path
        elif method == "FOO":
            assert answer.status_code in (400, 405, 501), path  # an HTTP server may refuse what it has never heard of
        else:
            assert answer.status_code == 405, f"{method} {path}"
            assert contract.faults_outside_operations(answer) == [], path
            allowed = {name.strip().lower() for name in answer.headers["Allow"].split(",")}
            assert allowed - {"head", "options"} == set(item) - {"parameters", "options"}, path


def test_slashes_before_an_address_change_nothing(
    client: httpx.Client, contract: Contract, deployment: Deployment
) -> None:
    """The router takes `//login` for `/login`: then the answer is that of the operation, and guarded like it."""
    for label in deployment.operations:
        method, path = label.split(" ")
        raw = b"//" + address(path).encode()
        answer = client.request(method, httpx.URL(str(client.base_url)).copy_with(raw_path=raw))
        if answer.status_code not in (404, 405):
            assert contract.faults(method, path, answer) == [], label
            assert not deployment.operations[label]["security"] or answer.status_code == 401


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    for path in ("/healthz", "/openapi.json", "/docs", "/.well-known/jwks.json"):
        asked, told = client.head(path), client.get(path)
        assert asked.status_code == told.status_code == 200
        assert asked.content == b""
        assert asked.headers["Content-Type"] == told.headers["Content-Type"]
    assert client.head("/login").status_code == 405


BAD_HEADERS: dict[str, list[tuple[bytes, bytes]]] = {
    "a long value": [(b"X-Long", b"x" * 20_000)],
    "a long name": [(b"X-" + b"n" * 10_000, b"1")],
    "many": [(b"X-%d" % number, b"1") for number in range(500)],
    "the same many times": [(b"X-Same", b"1")] * 500,
    "not ASCII": [(b"X-Odd", b"\xff\xfe\xc3\xa9"), (b"User-Agent", b"\xf0\x9f\x94\x91")],
    "a long User-Agent": [(b"User-Agent", b"\xff" * 20_000)],
    "forwarded nonsense": [(b"X-Forwarded-For", b"nonsense, ::::, 999.1.1.1"), (b"X-Forwarded-Proto", b"gopher")],
    "another host": [(b"Host", b"evil.example")],
    "a host that is none": [(b"Host", b"a b<>\\^`{|}")],
    "an Accept that nothing fits": [(b"Accept", b"image/jpeg;q=nonsense")],
    "cookies": [(b"Cookie", b"=; ;;;a=\xff; b=" + b"x" * 10_000)],
    "ranges": [(b"Range", b"bytes=-1,999999999999-,a-b")],
    "conditions": [(b"If-None-Match", b'W/"'), (b"If-Modified-Since", b"yesterday"), (b"If-Match", b"*")],
    "an upgrade": [(b"Connection", b"Upgrade"), (b"Upgrade", b"h2c, websocket")],
    "an expectation": [(b"Expect", b"200-maybe")],
    "a method override": [(b"X-HTTP-Method-Override", b"DELETE"), (b"X-Original-URL", b"/protected/admin")],
}


def _is_of_the_server(answer: httpx.Response) -> bool:
    """Whether the HTTP server, a proxy's or Ostiary's, refused what is not HTTP: no operation has this code."""
    return not answer.headers["Content-Type"].endswith("json") or answer.json()["code"] == "bad_request"


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_bad_headers(client: httpx.Client, contract: Contract, deployment: Deployment, name: str) -> None:
    """Each is ignored or refused; it never changes what an operation may answer."""
    for label in deployment.operations:
        method, path = label.split(" ")
        answer = client.request(method, address(path), headers=BAD_HEADERS[name])
        if answer.status_code == 431 or (answer.status_code == 400 and _is_of_the_server(answer)):
            continue  # refused by the HTTP server, before there is an operation
        assert contract.faults(method, path, answer) == [], label
        assert answer.status_code < 500, label
