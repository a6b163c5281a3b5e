"""The server's HTTP without sockets: bytes in, requests and bytes out."""

import asyncio
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ostiary.server.http.connections import Connections
from ostiary.server.http.limits import Limits

PEER = ("203.0.113.7", 50000)


class MemoryTransport(asyncio.Transport):
    """Keeps what is written. `is_read`: whether the client takes it."""

    def __init__(self, peer: tuple[str, int] = PEER) -> None:
        super().__init__({"peername": peer, "sockname": ("127.0.0.1", 80)})
        self.protocol: Any = None
        self.written = bytearray()
        self.is_held = False
        self.has_ended = False
        self._is_closing = False

    def write(self, data: bytes) -> None:
        self.written += data

    def writelines(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.write(part)

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_ended = True

    def pause_reading(self) -> None:
        self.is_held = True

    def resume_reading(self) -> None:
        self.is_held = False

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = self.has_ended = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close


@dataclass
class Heard:
    """What came of a conversation: the requests that the application saw, what was answered, whether it was closed."""

    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answered: bytes = b""
    has_ended: bool = False

    @property
    def statuses(self) -> list[int]:
        """The statuses of the answers, without interim ones."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 ([2-5]\d\d) ", self.answered)]


class Recorder:
    """An ASGI application that takes down what it is asked, and answers 200."""

    def __init__(self) -> None:
        self.heard = Heard()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        self.heard.requests.append((scope["method"], target.decode("ascii"), body))
        self.heard.headers.append({name.decode(): value.decode("latin-1") for name, value in scope["headers"]})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"seen"})


async def _settled() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


async def converse(pieces: Iterable[bytes], limits: Limits | None = None) -> Heard:
    """Send `pieces` over one connection, each once what came of those before has been done."""
    app = Recorder()
    connections = Connections(app, limits)
    transport = MemoryTransport()
    transport.protocol = protocol = connections.protocol()
    protocol.connection_made(transport)
    for piece in pieces:
        protocol.data_received(piece)
        await _settled()
        if transport.is_closing():
            break
    app.heard.answered = bytes(transport.written)
    app.heard.has_ended = transport.has_ended
    connections.abort()
    await _settled()
    assert len(connections) == 0
    assert not connections.running
    return app.heard


def hear(*pieces: bytes) -> Heard:
    """Do the same on a loop of its own."""
    return asyncio.run(converse(pieces))


def cut(data: bytes, *places: int) -> list[bytes]:
    """Return `data` in pieces that begin at `places`."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]
