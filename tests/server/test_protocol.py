"""What a client may send before its request begins."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import pytest
import uvicorn
from uvicorn.server import ServerState

from api.server import protocol
from tests.support.databases import Databases
from tests.support.servers import ServerProcess, running
from tests.support.settings import environment_of, settings_for

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("protocol")
    with databases.new("sqlite", directory) as url:
        environment = environment_of(settings_for(url, directory, port=0))
        with running(["serve"], environment, directory) as process:
            yield process


def connect(server: ServerProcess) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def answer_to(connection: socket.socket) -> tuple[int, dict]:
    """Read until the server closes; return status and body."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    return int(head.split()[1]), json.loads(body)


def test_a_head_without_end_is_refused_early(server: ServerProcess) -> None:
    sent = 0
    with connect(server) as connection:
        connection.sendall(HEAD + b"X-Endless: ")
        began = time.monotonic()
        try:
            while time.monotonic() - began < 20:
                sent += connection.send(b"a" * 65536)
        except OSError:
            pass
    assert sent < 50_000_000  # what fits into buffers until the refusal arrives, instead of everything


@pytest.mark.parametrize("piece", [b"X-Many: x\r\n", b"a"])
def test_a_head_of_too_many_or_too_long_fields_is_answered_with_431(server: ServerProcess, piece: bytes) -> None:
    whole = HEAD + piece.ljust(11, piece[:1]) * 7000
    with connect(server) as connection:
        for start in range(0, protocol.LONGEST_HEAD + 1, 8192):
            connection.sendall(whole[start : start + 8192])
            time.sleep(0.005)
        status, problem = answer_to(connection)
    assert (status, problem["code"]) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff garbage\r\n\r\n",
        b"GET /pro\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        HEAD + b"Host: another\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_is_a_bad_request(server: ServerProcess, garbage: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(garbage)
        status, problem = answer_to(connection)
    assert (status, problem["code"]) == (400, "bad_request")


def test_large_heads_within_the_bound_and_many_requests_on_one_connection_are_served(server: ServerProcess) -> None:
    with connect(server) as connection:
        for _ in range(20):
            connection.sendall(HEAD + b"X-Large: " + b"a" * 50_000 + b"\r\n\r\n")
            received = b""
            while not received.endswith(b'{"status":"ok"}\n'):
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200 OK")


def test_an_offer_to_upgrade_is_not_taken_up(server: ServerProcess) -> None:
    with connect(server) as connection:
        connection.sendall(HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        received = connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"\r\n" + HEAD])
def test_a_client_that_falls_silent_is_let_go(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)

    async def app(_scope: object, _receive: object, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def scene() -> tuple[bytes, float]:
        config = uvicorn.Config(app, http=protocol.BoundedHttp, lifespan="off", log_config=None)
        config.load()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: protocol.BoundedHttp(config, ServerState(), {}), "127.0.0.1", 0)
        async with listening:
            began = loop.time()
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            writer.write(sent)
            received = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
            return received, loop.time() - began

    received, seconds = asyncio.run(scene())
    assert received.count(b"HTTP/1.1 204") == sent.count(b"\r\n\r\n")
    assert seconds >= 0.3
