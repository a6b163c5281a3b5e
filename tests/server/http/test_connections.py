"""How many connections there may be, and how long each may keep the server waiting; over real sockets."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog.testing

from ostiary.core.early_answer import EarlyAnswer
from ostiary.server.http.connections import Connections
from ostiary.server.http.limits import (
    MAX_PIPELINED_AT_ONCE,
    MAX_PIPELINED_BYTES,
    MAX_UNREAD_BODY_BYTES,
    Limits,
)
from ostiary.server.sockets import listen
from tests.support.http_in_memory import MemoryTransport, Recorder

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
PATIENCE = 20.0
LARGE = b"x" * 20_000_000

Scene = Callable[["Site"], Awaitable[None]]


class Slow(Recorder):
    """Answers /hang never, /large with more than a socket holds, /unread without reading; the rest as Recorder does."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/hang":
            await asyncio.sleep(60)
        if scope["path"] not in ("/large", "/unread"):
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": LARGE if scope["path"] == "/large" else b"unread"})


class Site:
    """A running server."""

    def __init__(self, app: Recorder, connections: Connections, address: tuple[str, int]) -> None:
        self.app = app
        self.connections = connections
        self.address = address

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)

    async def exchange(self, sent: bytes) -> tuple[bytes, float]:
        """Send, read until the server closes; return what came and the seconds that took."""
        began = asyncio.get_running_loop().time()
        reader, writer = await self.connect()
        writer.write(sent)
        received = await asyncio.wait_for(_read(reader), PATIENCE)
        writer.close()
        return received, asyncio.get_running_loop().time() - began

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - it waits for what is no event
                await asyncio.sleep(0.01)


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@asynccontextmanager
async def _site(limits: Limits) -> AsyncIterator[Site]:
    app = Slow()
    connections = Connections(app, limits)
    server = await asyncio.get_running_loop().create_server(connections.protocol, "127.0.0.1", 0)
    try:
        yield Site(app, connections, server.sockets[0].getsockname())
    finally:
        server.close()
        connections.cancel()
        connections.abort()
        await asyncio.wait_for(connections.drained(), PATIENCE)


def play(scene: Scene, **limits: Any) -> None:
    async def run() -> None:
        async with _site(replace(Limits(), **limits)) as site:
            await scene(site)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("sent", "limits", "status"),
    [
        (b"", {"head_seconds": 0.3}, b""),
        (GET[:-2], {"head_seconds": 0.3}, b"408"),
        (GET[:10], {"head_seconds": 0.3}, b"408"),
        (POST + b"abc", {"body_seconds": 0.3}, b"408"),
        (CHUNKED, {"body_seconds": 0.3}, b"408"),
        (GET, {"keep_alive_seconds": 0.3}, b"200"),
        (GET + GET[:-2], {"keep_alive_seconds": 60, "head_seconds": 0.3}, b"408"),
        (POST.replace(b"/a", b"/unread") + b"abc", {"body_seconds": 0.3}, b"200"),
    ],
    ids=["silent", "half a head", "half a line", "half a body", "half a chunk", "idle", "half a second head", "unread"],
)
def test_a_client_that_falls_silent_is_let_go(sent: bytes, limits: dict[str, float], status: bytes) -> None:
    async def scene(site: Site) -> None:
        received, seconds = await site.exchange(sent)

        assert seconds >= 0.3
        assert [line.split()[1] for line in received.splitlines() if b"HTTP/1.1 " in line][-1:] == [status][
            : bool(status)
        ]

    play(scene, **limits)


def test_a_body_that_trickles_is_let_go() -> None:
    async def scene(site: Site) -> None:
        reader, writer = await site.connect()
        writer.write(POST)
        received = asyncio.ensure_future(_read(reader))
        while not received.done():
            writer.write(b"a")
            await asyncio.sleep(0.05)
        assert b"408 Request Timeout" in received.result()
        writer.close()

    play(scene, body_seconds=0.5)


def test_a_client_that_does_not_read_is_let_go() -> None:
    async def scene(site: Site) -> None:
        _, writer = await site.connect()
        writer.write(GET.replace(b"/a", b"/large"))
        await site.until(lambda: len(site.connections) == 1)
        await site.until(lambda: len(site.connections) == 0)
        writer.close()

    play(scene, write_seconds=0.3)


def test_a_client_that_reads_slowly_gets_all() -> None:
    async def scene(site: Site) -> None:
        reader, writer = await site.connect()
        writer.write(GET.replace(b"/a", b"/large"))
        length = 0
        while length < len(LARGE):
            length += len(await reader.read(1_000_000))
            await asyncio.sleep(0.05)
        writer.close()

    play(scene, write_seconds=0.4)


def test_requests_are_not_served_faster_than_their_answers_are_read() -> None:
    async def scene(site: Site) -> None:
        _, writer = await site.connect()
        writer.write(GET.replace(b"/a", b"/large") + GET * 2_000)
        await asyncio.sleep(0.5)
        assert site.app.heard.requests == []
        writer.close()

    play(scene)


def test_what_is_sent_ahead_is_bounded() -> None:
    async def scene(site: Site) -> None:
        _, writer = await site.connect()
        writer.write(GET.replace(b"/a", b"/hang") + GET * 1_000_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.5)
        (connection,) = site.connections._all()
        assert len(connection._data) < MAX_PIPELINED_BYTES + 300_000
        writer.transport.abort()

    play(scene)


def test_at_the_bound_the_longest_idle_connection_goes() -> None:
    async def scene(site: Site) -> None:
        first, second, third = [await site.connect() for _ in range(3)]
        for reader, writer in (second, first, third):
            writer.write(GET)
            await reader.readuntil(b"seen")
        fourth = await site.connect()
        fourth[1].write(GET)
        await fourth[0].readuntil(b"seen")
        assert await _read(second[0]) == b""
        first[1].write(GET)
        await first[0].readuntil(b"seen")
        assert len(site.connections) == 3
        for _, writer in (first, second, third, fourth):
            writer.close()

    with structlog.testing.capture_logs() as lines:
        play(scene, max_connections=3, max_connections_per_address=3)
    (line,) = lines
    assert line["bound"] == 3


def test_idle_connections_go_before_half_sent_requests_and_those_before_new_ones() -> None:
    async def scene(site: Site) -> None:
        half, idle, busy = [await site.connect() for _ in range(3)]
        half[1].write(GET[:-2])
        busy[1].write(GET.replace(b"/a", b"/hang"))
        idle[1].write(GET)
        await idle[0].readuntil(b"seen")
        await site.until(lambda: len(site.connections.running) == 1)
        another = await site.connect()
        another[1].write(GET.replace(b"/a", b"/hang"))
        assert await _read(idle[0]) == b""
        yet_another = await site.connect()
        assert await _read(half[0]) == b""
        yet_another[1].write(GET.replace(b"/a", b"/hang"))
        await site.until(lambda: len(site.connections.running) == 3)
        reader, last = await site.connect()
        assert b"503 Service Unavailable" in await _read(reader)
        for _, writer in (half, idle, busy, another, yet_another):
            writer.close()
        last.close()

    play(scene, max_connections=3, max_connections_per_address=3)


def test_two_thousand_idle_connections_leave_room_for_others() -> None:
    async def scene(site: Site) -> None:
        idle = [await site.connect() for _ in range(400)]
        reader, writer = await site.connect()
        writer.write(GET)
        await reader.readuntil(b"seen")
        assert len(site.connections) <= 50
        for _, one in (*idle, (reader, writer)):
            one.close()

    with structlog.testing.capture_logs() as lines:
        play(scene, max_connections=50)
    assert len(lines) == 1


def opened_from(connections: Connections, *addresses: str) -> list[MemoryTransport]:
    transports = []
    for address in addresses:
        transport = MemoryTransport((address, 1))
        transport.protocol = connections.protocol()
        transport.protocol.connection_made(transport)
        transports.append(transport)
    return transports


@pytest.mark.parametrize(
    ("addresses", "kept"),
    [
        (["192.0.2.1"] * 4 + ["192.0.2.2"], 3),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3", "2001:db8::4", "2001:db8:0:1::1"], 3),
        (["::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"], 3),
        (["192.0.2.9"] * 4, 4),
    ],
    ids=["IPv4", "one IPv6 network", "mapped", "a proxy"],
)
def test_one_address_may_have_a_part_of_the_connections(addresses: list[str], kept: int) -> None:
    async def scene() -> None:
        limits = Limits(max_connections=10, max_connections_per_address=2, is_exempt=lambda found: found == "192.0.2.9")
        connections = Connections(Recorder(), limits)
        opened_from(connections, *addresses)
        await asyncio.sleep(0)
        assert len(connections) == kept
        connections.abort()
        await connections.drained()

    asyncio.run(scene())


@pytest.mark.parametrize("size", [100, MAX_UNREAD_BODY_BYTES // 4])
def test_a_body_that_nobody_read_is_passed_over(size: int) -> None:
    async def scene(site: Site) -> None:
        reader, writer = await site.connect()
        writer.write(b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
        await reader.readuntil(b"unread")
        writer.write(b"a" * size + GET)
        await reader.readuntil(b"seen")
        assert [target for _, target, _ in site.app.heard.requests] == ["/a"]
        writer.close()

    play(scene)


@pytest.mark.parametrize("size", [MAX_PIPELINED_BYTES * 2, MAX_UNREAD_BODY_BYTES // 2])
def test_a_body_that_arrives_before_its_early_answer_is_passed_over(size: int) -> None:
    async def scene(site: Site) -> None:
        reader, writer = await site.connect()
        writer.write(
            b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size + GET
        )
        await asyncio.wait_for(reader.readuntil(b"seen"), PATIENCE)
        writer.close()

    play(scene)


def test_after_an_answer_to_a_body_too_large_to_pass_over_the_client_can_read_it() -> None:
    async def scene(site: Site) -> None:
        reader, writer = await site.connect()
        size = MAX_UNREAD_BODY_BYTES * 2
        writer.write(b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size + b"a" * 500_000)
        assert b"connection: close" in await asyncio.wait_for(_read(reader), PATIENCE)
        writer.close()

    play(scene, linger_seconds=0.5)


def test_a_client_that_waits_for_permission_to_send_what_nobody_reads_is_let_go() -> None:
    async def scene(site: Site) -> None:
        sent = POST.replace(b"/a", b"/unread").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
        received, _ = await site.exchange(sent)
        assert b" 100 " not in received
        assert b"connection: close" in received

    play(scene, linger_seconds=0.2)


def test_stopping_ends_idle_connections_and_half_sent_requests_and_lets_the_others_finish() -> None:
    async def scene(site: Site) -> None:
        idle, half, body, busy = [await site.connect() for _ in range(4)]
        idle[1].write(GET)
        await idle[0].readuntil(b"seen")
        half[1].write(GET[:-2])
        body[1].write(POST)
        busy[1].write(GET.replace(b"/a", b"/hang"))
        await site.until(lambda: len(site.connections.running) == 2)
        site.connections.begin_stop()
        assert await _read(idle[0]) == b""
        assert b"408 Request Timeout" in await _read(half[0])
        assert b"408 Request Timeout" in await _read(body[0])
        assert len(site.connections.running) == 1
        site.connections.cancel()
        assert b"503 Service Unavailable" in await _read(busy[0])
        for _, writer in (idle, half, body, busy):
            writer.close()
        await asyncio.wait_for(site.connections.drained(), PATIENCE)

    play(scene, half_sent_seconds=0.3, linger_seconds=0.2)


def test_a_gentle_stop_ends_connections_with_their_next_answer() -> None:
    async def scene(site: Site) -> None:
        used, unused = [await site.connect() for _ in range(2)]
        for reader, writer in (used, unused):
            writer.write(GET)
            await reader.readuntil(b"seen")
        site.connections.begin_stop(gentle_seconds=0.5)
        used[1].write(GET)
        assert b"connection: close" in await _read(used[0])
        assert await _read(unused[0]) == b""
        for _, writer in (used, unused):
            writer.close()

    play(scene)


def test_an_application_that_fails_is_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_scope: object, _receive: object, _send: object) -> None:
        raise ZeroDivisionError

    async def scene() -> bytes:
        connections = Connections(broken)
        (transport,) = opened_from(connections, "192.0.2.1")
        transport.protocol.data_received(GET)
        await asyncio.sleep(0.05)
        connections.abort()
        await connections.drained()
        return bytes(transport.written)

    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.CRITICAL):
        received = asyncio.run(scene())
    assert received.startswith(b"HTTP/1.1 500 ")
    assert [line["event"] for line in lines] == ["the application failed"]


class Refusing(Recorder):
    """Refuses each POST by its head, `delay` seconds later."""

    delay = 0.1

    def refuse_early(self, scope: dict[str, Any]) -> EarlyAnswer | None:
        if scope["method"] != "POST":
            return None
        return EarlyAnswer(503, [(b"content-length", b"7")], b"refused", self.delay)


async def with_refusal(sent: bytes) -> tuple[Refusing, Connections, MemoryTransport]:
    """Return what there is once the server has read `sent`."""
    app = Refusing()
    connections = Connections(app)
    (transport,) = opened_from(connections, "192.0.2.1")
    transport.protocol.data_received(sent)
    await asyncio.sleep(0)
    assert len(connections.running) == 1
    assert transport.written == b""
    return app, connections, transport


def test_what_is_refused_by_its_head_never_reaches_the_application_and_keeps_its_turn() -> None:
    async def scene() -> None:
        app, connections, transport = await with_refusal(POST + b"x" * 100 + GET)
        await asyncio.sleep(2 * Refusing.delay)
        first, second = transport.written.split(b"HTTP/1.1 ")[1:]
        assert (first[:4], first[-7:]) == (b"503 ", b"refused")
        assert (second[:4], second[-4:]) == (b"200 ", b"seen")
        assert [method for method, _, _ in app.heard.requests] == ["GET"]
        assert not connections.running
        connections.abort()
        await connections.drained()

    asyncio.run(scene())


def test_a_client_that_goes_while_its_refusal_is_held_back_is_forgotten() -> None:
    async def scene() -> None:
        _, connections, transport = await with_refusal(POST)
        transport.close()
        await asyncio.wait_for(connections.drained(), Refusing.delay / 2)
        await asyncio.sleep(2 * Refusing.delay)
        assert transport.written == b""

    asyncio.run(scene())


def test_a_stop_does_not_wait_for_refusals_that_are_held_back() -> None:
    async def scene() -> None:
        _, connections, transport = await with_refusal(POST)
        connections.cancel()
        assert not connections.running
        await asyncio.sleep(2 * Refusing.delay)
        assert transport.written.count(b"HTTP/1.1 ") == 1
        assert b"service_stopping" in transport.written
        connections.abort()
        await connections.drained()

    asyncio.run(scene())


def test_a_client_that_sends_many_requests_ahead_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.server.http.connection.PIPELINE_PAUSE_SECONDS", 0.5)

    async def scene() -> None:
        app = Recorder()
        connections = Connections(app)
        (transport,) = opened_from(connections, "192.0.2.1")
        transport.protocol.data_received(GET * (MAX_PIPELINED_AT_ONCE + 3))
        for _ in range(10 * MAX_PIPELINED_AT_ONCE):
            await asyncio.sleep(0)
        assert len(app.heard.requests) == 1 + MAX_PIPELINED_AT_ONCE
        transport.protocol.data_received(GET)
        await asyncio.sleep(0)
        assert len(app.heard.requests) == 1 + MAX_PIPELINED_AT_ONCE
        async with asyncio.timeout(PATIENCE):
            while len(app.heard.requests) < MAX_PIPELINED_AT_ONCE + 4:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.05)
        transport.protocol.data_received(GET * 2)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(app.heard.requests) == MAX_PIPELINED_AT_ONCE + 6  # what was answered counts no more
        connections.abort()
        await connections.drained()

    asyncio.run(scene())


def test_the_kernel_takes_few_answers_for_a_client_that_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.server.http.connection.PIPELINE_PAUSE_SECONDS", 0.0)

    async def scene() -> int:
        app = Recorder()
        connections = Connections(app)
        (listener,) = listen("127.0.0.1", 0, 1)
        address = listener.getsockname()
        server = await asyncio.get_running_loop().create_server(connections.protocol, sock=listener)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, address)
        sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(client, GET * 50_000))
        served = -1
        while served < len(app.heard.requests):
            served = len(app.heard.requests)
            await asyncio.sleep(0.3)
        sending.cancel()
        client.close()
        server.close()
        connections.abort()
        await asyncio.wait_for(connections.drained(), PATIENCE)
        return len(app.heard.requests)

    answers = 65_536 // 100  # that the kernel has room for, each of some 100 bytes
    assert asyncio.run(scene()) < 5 * answers  # and not all 50,000
