"""HTTP over plain sockets, where a client must do what no HTTP library would do."""

import asyncio
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def connect(url: str) -> socket.socket:
    return socket.create_connection(address_of(url), timeout=30)


def request(method: str, target: str, *headers: str, body: bytes = b"", close: bool = True) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(chunks: Iterable[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def exchange(url: str, *sent: bytes) -> bytes:
    """Send all that and return everything that comes back until the server closes the connection."""
    with connect(url) as connection:
        connection.sendall(b"".join(sent))
        return receive(connection)


def receive(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def get(url: str, target: str) -> str:
    """GET over a connection of its own and return the body; raises AssertionError if the status is not 200."""
    answer = exchange(url, request("GET", target))
    assert status_of(answer) == 200, answer
    return answer.partition(b"\r\n\r\n")[2].decode()


async def fetch(url: str, sent: bytes) -> bytes:
    """The same on the running loop."""
    reader, writer = await asyncio.open_connection(*address_of(url))
    try:
        writer.write(sent)
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def converse(url: str, requests: Iterable[bytes]) -> list[bytes]:
    """Send requests over one connection, each after the answer to the one before; return the answers."""
    reader, writer = await asyncio.open_connection(*address_of(url))
    answers = []
    try:
        for sent in requests:
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            answers.append(head + await reader.readexactly(int(length.split(b":")[1])))
    finally:
        writer.close()
        await writer.wait_closed()
    return answers


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
