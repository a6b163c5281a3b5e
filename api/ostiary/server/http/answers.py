"""Build the bytes of an answer."""

import asyncio
import json
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote

from ostiary.core.headers import ALWAYS
from ostiary.core.problems import ProblemType

Headers = list[tuple[bytes, bytes]]

COPIED_BYTES = 16_384
"""A longer body is sent without copying it into one piece with the head."""

_STATUS_LINE = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_BODILESS = (204, 304)
_ALWAYS: Headers = [(name.lower().encode(), value.encode()) for name, value in ALWAYS]


class _Date:
    """The Date field (RFC 9110 section 6.6.1), built once per second."""

    def __init__(self) -> None:
        self._second = -1
        self._line = b""

    def line(self) -> bytes:
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._second = second
            self._line = b"date: %b\r\n" % formatdate(usegmt=True).encode()
        return self._line


_date = _Date()


def head(status: int, headers: Headers, body: bytes, is_kept: bool, version: str) -> bytes:
    """Return the head of an answer with `body`. is_kept: whether the connection stays open."""
    parts = [_STATUS_LINE.get(status) or b"HTTP/1.1 %d \r\n" % status, _date.line()]
    has_length = status in _BODILESS
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
        if name == b"content-length":
            has_length = True
    if not has_length:
        parts.append(b"content-length: %d\r\n" % len(body))
    if not is_kept:
        parts.append(b"connection: close\r\n")
    elif version == "1.0":
        parts.append(b"connection: keep-alive\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def problem(kind: ProblemType, prefix: str) -> bytes:
    """Return the complete answer for `kind`, after which the connection is closed. prefix: see `Problem.body`."""
    occurrence = kind()
    body = json.dumps(occurrence.body(prefix), separators=(",", ":")).encode()
    fields = [(name.lower().encode(), value.encode()) for name, value in occurrence.headers().items()]
    headers = [(b"content-type", b"application/problem+json"), *fields, *_ALWAYS]
    return head(kind.status, headers, body, is_kept=False, version="1.1") + body


def path_of(raw: bytes) -> str:
    """Return the path in the form of ASGI: percent-decoded text."""
    text = raw.decode("ascii")
    return unquote(text) if "%" in text else text
