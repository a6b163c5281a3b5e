"""What is not HTTP, or bad HTTP, on a bare socket: the server refuses or closes, and stays alive."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from .deployment import Deployment

PATIENCE = 5.0
"""Seconds in which the server answers or closes once a request is complete or beyond repair."""

HOST = b"Host: localhost\r\n"
LOGIN = b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"

REFUSED: dict[str, bytes] = {
    "random bytes": bytes(range(256)) * 8 + b"\r\n\r\n",
    "NULs": b"\0" * 4096 + b"\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c403035f") + b"\xab" * 200 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 32,
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "SMTP": b"EHLO localhost\r\nMAIL FROM:<a@b>\r\n\r\n",
    "a request line of one word": b"GET\r\n\r\n",
    "HTTP/9.9": b"GET /healthz HTTP/9.9\r\n" + HOST + b"\r\n",
    "a lower-case protocol": b"GET /healthz http/1.1\r\n" + HOST + b"\r\n",
    "a space in the address": b"GET /health z HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in the address": b"GET /health\0z HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without a colon": b"GET /healthz HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "a header without a name": b"GET /healthz HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n",
    "a space before the colon": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Odd : 1\r\n\r\n",
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Odd: a\0b\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"Connection: close\r\n\r\n",
    "a length below zero": LOGIN + b"Content-Length: -1\r\n\r\n{}",
    "a length that is no number": LOGIN + b"Content-Length: two\r\n\r\n{}",
    "a length with a sign": LOGIN + b"Content-Length: +2\r\n\r\n{}",
    "an immense length": LOGIN + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "two lengths": LOGIN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "a bad chunk size": LOGIN + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
    "an immense chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}",
    "a chunk that ends badly": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
    "an unknown transfer coding": LOGIN + b"Transfer-Encoding: nonsense\r\n\r\n{}",
    "a length and chunks": LOGIN + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "headers without end": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Odd: 1\r\n" * 200_000,
    "a header without end": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Odd: " + b"1" * 2_000_000,
    "an address without end": b"GET /" + b"a" * 2_000_000,
}
LENIENT: dict[str, bytes] = {
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: localhost\nConnection: close\n\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Odd: a\r\n b\r\nConnection: close\r\n\r\n",
    "a body with GET": b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}",
    "an absolute address": b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "a lower-case method": b"get /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "blank lines first": b"\r\n\r\nGET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "an expectation to continue": LOGIN + b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
}
"""Old or odd HTTP, which a server may answer or refuse."""

UNFINISHED: dict[str, bytes] = {
    "nothing": b"",
    "half a request line": b"GET /heal",
    "half a header": b"GET /healthz HTTP/1.1\r\nHo",
    "half a body": LOGIN + b'Content-Length: 100\r\n\r\n{"username": "u',
    "half a chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n64\r\n{",
    "no body": LOGIN + b"Content-Length: 2\r\n\r\n",
}


def _talk(deployment: Deployment, sent: bytes) -> bytes:
    """Send and read until the server closes, for at most PATIENCE seconds of silence; TimeoutError beyond it."""
    address = urlsplit(deployment.base_url)
    received = b""
    with socket.create_connection((address.hostname, address.port or 80), timeout=PATIENCE) as connection:
        try:
            connection.sendall(sent)
            while more := connection.recv(65536):
                received += more
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received


@pytest.fixture(autouse=True)
def alive(deployment: Deployment) -> object:
    """The server answers after each test, on every worker, and none has died."""
    yield
    for _ in range(8):
        assert httpx.get(deployment.base_url + "/readyz", timeout=PATIENCE).json() == {"status": "ok"}
    if deployment.process:
        assert deployment.process.is_alive


@pytest.fixture(autouse=True)
def plain(deployment: Deployment) -> None:
    """Bare sockets need a server without TLS."""
    if not deployment.base_url.startswith("http://"):
        pytest.skip("the deployment speaks TLS: what is not HTTP ends at its proxy")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_http_is_refused(deployment: Deployment, name: str) -> None:
    received = _talk(deployment, REFUSED[name])
    if received:
        status = received.split(b" ", 2)[1]
        assert received.startswith(b"HTTP/1."), received[:200]
        assert status.startswith(b"4") or status in (b"501", b"505"), received[:200]
        assert not deployment.process or b"application/problem+json" in received, received[:200]


@pytest.mark.parametrize("name", LENIENT)
def test_odd_http_is_answered_or_refused(deployment: Deployment, name: str) -> None:
    received = _talk(deployment, LENIENT[name])
    assert not received or received.split(b" ", 2)[1][:1] in b"124", received[:300]


@pytest.mark.parametrize("name", UNFINISHED)
def test_whoever_leaves_in_the_middle_leaves_nothing_behind(deployment: Deployment, name: str) -> None:
    address = urlsplit(deployment.base_url)
    for _ in range(20):
        with socket.create_connection((address.hostname, address.port or 80), timeout=PATIENCE) as connection:
            connection.sendall(UNFINISHED[name])


def test_smuggled_requests_are_not_answered(deployment: Deployment) -> None:
    """A length and chunks in one request (RFC 9112 section 6.1): what follows must not count as a second request."""
    smuggled = b"GET /problems/smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    received = _talk(
        deployment,
        LOGIN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
    )
    assert received.count(b"HTTP/1.1 ") <= 1, received


def test_requests_in_one_packet_are_answered_in_order(deployment: Deployment) -> None:
    one = b"GET /problems/%s HTTP/1.1\r\n" + HOST
    sent = one % b"invalid_token" + b"\r\n" + one % b"no_such" + b"Connection: close\r\n\r\n"
    received = _talk(deployment, sent)
    assert received.index(b"200 OK") < received.index(b"404 Not Found")
