"""Read the body of a request and find its end (RFC 9112 sections 6 and 7.1)."""

import re

from ostiary.core.problems import BAD_REQUEST, BODY_TOO_LARGE, HEADERS_TOO_LARGE
from ostiary.server.http.heads import Refused
from ostiary.server.http.limits import MAX_CHUNK_LINE_BYTES, MAX_CHUNKS, MAX_FIELDS, MAX_TRAILER_BYTES

_CHUNK_LINE = re.compile(rb"(?P<size>[0-9A-Fa-f]{1,8})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_PLAIN_LINE = re.compile(rb"(?P<size>[0-9A-Fa-f]{1,8})\r\n")
_PLAIN_NEXT_LINE = re.compile(rb"\r\n(?P<size>[0-9A-Fa-f]{1,8})\r\n")
"""The usual beginning of a chunk after another chunk: the end of that chunk's data, then a size without extensions."""
_FRAMING = re.compile(rb"(?i:content-length|transfer-encoding|host)\s*:")
"""Fields that must not be trailers (RFC 9110 section 6.5.1). They are typical of attacks on parsers."""
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


class LengthBody:
    """A body of `length` bytes."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        self._left = length

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has been read."""
        return self._left == 0

    def feed(self, data: bytes, start: int) -> tuple[bytes, int]:
        """Return the part of the body in `data` from `start` on, and the position after it."""
        part = data[start : start + self._left]
        self._left -= len(part)
        return part, start + len(part)

    def is_longer_than(self, limit: int) -> bool:
        """Return whether more than `limit` bytes are known to be still to come."""
        return self._left > limit


class ChunkedBody:
    """A body in chunks. Chunk extensions and trailer fields are dropped, because Ostiary does not use them."""

    __slots__ = (
        "_chunks",
        "_end_of_data",
        "_fields",
        "_left",
        "_line",
        "_line_bytes",
        "_trailer",
        "_trailer_bytes",
        "is_complete",
    )

    def __init__(self) -> None:
        self.is_complete = False
        self._left = 0
        self._end_of_data = False
        self._trailer = False
        self._line = b""
        self._chunks = 0
        self._line_bytes = 0
        self._trailer_bytes = 0
        self._fields = 0

    def feed(self, data: bytes, start: int) -> tuple[bytes, int]:
        """Return the body's content in `data` from `start` on, and the position after the bytes that were read.

        Raises Refused for malformed chunks, too many chunks, and lines that are too long.
        """
        parts: list[bytes] = []
        size = len(data)
        while start < size and not self.is_complete:
            if self._left:
                part = data[start : start + self._left]
                parts.append(part)
                self._left -= len(part)
                start += len(part)
                self._end_of_data = not self._left
                continue
            plain = None if self._trailer or self._line else self._plain_line().match(data, start)
            if plain is None:
                start = self._read_line(data, start)
            else:  # in one step, so that a body of many small chunks costs little
                start = plain.end()
                self._count(start - plain.start())
                self._end_of_data = False
                self._begin_chunk(plain["size"])
        return b"".join(parts), start

    def is_longer_than(self, limit: int) -> bool:
        """Return whether more than `limit` bytes are known to be still to come."""
        return self._left > limit

    def _plain_line(self) -> "re.Pattern[bytes]":
        return _PLAIN_NEXT_LINE if self._end_of_data else _PLAIN_LINE

    def _read_line(self, data: bytes, start: int) -> int:
        """Read a line, or the part of it that has arrived; return the position after it."""
        end = data.find(b"\n", start)
        stop = len(data) if end < 0 else end + 1
        self._count(stop - start)
        line = self._line + data[start:stop]
        if end < 0:
            self._line = line
            return stop
        self._line = b""
        if not line.endswith(b"\r\n"):
            raise Refused(BAD_REQUEST)
        self._take(line[:-2])
        return stop

    def _count(self, size: int) -> None:
        """Count bytes before they are kept."""
        if self._trailer:
            self._trailer_bytes += size
            if self._trailer_bytes > MAX_TRAILER_BYTES:
                raise Refused(HEADERS_TOO_LARGE)
        else:
            self._line_bytes += size
            if self._line_bytes > MAX_CHUNK_LINE_BYTES:
                raise Refused(BODY_TOO_LARGE)

    def _take(self, line: bytes) -> None:
        if self._trailer:
            self._fields += 1
            if not line:
                self.is_complete = True
            elif self._fields > MAX_FIELDS:
                raise Refused(HEADERS_TOO_LARGE)
            elif _FRAMING.match(line) or not _TRAILER.fullmatch(line):
                raise Refused(BAD_REQUEST)
        elif self._end_of_data:
            if line:
                raise Refused(BAD_REQUEST)
            self._end_of_data = False
        else:
            found = _CHUNK_LINE.fullmatch(line)
            if found is None:
                raise Refused(BAD_REQUEST)
            self._begin_chunk(found["size"])

    def _begin_chunk(self, size: bytes) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise Refused(BODY_TOO_LARGE)
        self._left = int(size, 16)
        self._trailer = not self._left


Body = LengthBody | ChunkedBody
