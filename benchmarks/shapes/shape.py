"""What a shape is, and the parts that shapes are made of."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.shapes.answers import Exchange

NAME = b"nnnnnnnnnnnnnnnn"
"""Stands in a body for a user name that nobody has yet, of the same length."""
TOKEN = b"@TOKEN@"
"""Stands in a head for an access token."""
OTHER_SPELLING = b"@OTHER-SPELLING@"
"""Stands in a head for the same token in the alphabet of plain base64."""
CREDENTIALS = b"@CREDENTIALS@"
"""Stands for a body of POST /login with right credentials; its length stands in the head as @LENGTH@."""

PASSWORD = "seldom-used-Passphrase-kestrel"
REGISTER = json.dumps({"username": NAME.decode(), "password": PASSWORD}).encode()

Right = Callable[[Exchange], bool]


@dataclass(frozen=True)
class Shape:
    """Bytes that a client may send, and what a right server answers.

    pieces: sent one after the other with a pause, each as a TCP packet. right: judges what came back. rfc: the
    section that says so. count: the answers to wait for. heads: which requests are HEAD. seconds: how long to wait for
    them. pause: seconds between the pieces. reads: whether the client reads while it waits.
    """

    name: str
    kind: str
    pieces: tuple[bytes, ...]
    right: Right
    rfc: str
    count: int = 1
    heads: tuple[bool, ...] = ()
    seconds: float = 10.0
    pause: float = 0.15
    reads: bool = True


def answers(*statuses: int) -> Right:
    """Exactly these statuses, in this order; whether the connection stays is left to the server."""
    return lambda exchange: exchange.statuses == list(statuses) and not exchange.left


def any_of(*rights: Right) -> Right:
    """One of several right answers."""
    return lambda exchange: any(right(exchange) for right in rights)


def refused(*statuses: int) -> Right:
    """One answer with one of these statuses, and the end of the connection: what follows cannot be told apart."""
    return lambda exchange: len(exchange.statuses) == 1 and exchange.statuses[0] in statuses and exchange.closed


def refused_or_waiting(*statuses: int) -> Right:
    """The same, or no answer: the server takes what came for the beginning of something longer."""
    refusal = refused(*statuses)
    return lambda exchange: not exchange.answers or refusal(exchange)


def too_large(exchange: Exchange) -> bool:
    """A refusal with a status of 4xx and the end of the connection, or the end alone once the client sends on."""
    return exchange.closed and all(400 <= status < 500 for status in exchange.statuses) and len(exchange.statuses) <= 1


def ended(exchange: Exchange) -> bool:
    """The server has ended the connection by itself, after at most one refusal."""
    return exchange.closed and all(400 <= status < 500 for status in exchange.statuses)


def get(target: str, *fields: str | bytes, version: str = "HTTP/1.1", host: str | bytes | None = "localhost") -> bytes:
    """A GET request with these further header fields."""
    return head("GET", target, *fields, version=version, host=host)


def head(
    method: str,
    target: str,
    *fields: str | bytes,
    version: str = "HTTP/1.1",
    host: str | bytes | None = "localhost",
) -> bytes:
    """The head of a request. host: None for no Host field."""
    lines: list[str | bytes] = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(b"Host: " + (host.encode() if isinstance(host, str) else host))
    lines += fields
    return b"\r\n".join(line.encode("latin-1") if isinstance(line, str) else line for line in lines) + b"\r\n\r\n"


def post(target: str, *fields: str | bytes, body: bytes = REGISTER, length: str | None = None) -> bytes:
    """The head of a POST with a JSON body; the body itself is left to the caller. length: instead of the right one."""
    told = str(len(body)) if length is None else length
    return head("POST", target, "Content-Type: application/json", f"Content-Length: {told}", *fields)


def post_chunked(target: str, *fields: str | bytes, coding: str = "chunked", json_type: bool = True) -> bytes:
    """The head of a POST whose body comes in chunks."""
    kind = ("Content-Type: application/json",) if json_type else ()
    return head("POST", target, *kind, f"Transfer-Encoding: {coding}", *fields)


def chunk(data: bytes, extension: bytes = b"", end: bytes = b"\r\n") -> bytes:
    """One chunk."""
    return b"%x%b%b%b%b" % (len(data), extension, end, data, end)


def last(*trailers: str | bytes) -> bytes:
    """The last chunk and the trailer section."""
    lines = [line.encode("latin-1") if isinstance(line, str) else line for line in trailers]
    return b"0\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
