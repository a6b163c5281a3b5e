"""Answers as they come from a socket: read one after the other, whatever framing the server chose."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

QUIET_SECONDS = 0.5
"""After what was expected has come: how long to look for one answer too many."""


@dataclass(frozen=True)
class RawAnswer:
    """One answer. headers: names in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Exchange:
    """What came back on one connection. closed: the server has ended it. left: bytes that are no whole answer."""

    answers: list[RawAnswer] = field(default_factory=list)
    closed: bool = False
    left: bytes = b""

    @property
    def statuses(self) -> list[int]:
        """The statuses in the order of the answers, 100 Continue left out."""
        return [answer.status for answer in self.answers if answer.status != 100]

    @property
    def bodies(self) -> list[bytes]:
        """The bodies in the order of the answers."""
        return [answer.body for answer in self.answers if answer.status != 100]


class Connection:
    """One TCP connection to the server at `url`."""

    def __init__(self, url: str, heads: tuple[bool, ...] = ()) -> None:
        """Heads: which of the requests are HEAD, whose answers have no body."""
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._heads = heads
        self._data = b""
        self.exchange = Exchange()

    async def open(self) -> "Connection":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        return self

    async def send(self, pieces: tuple[bytes, ...], pause: float) -> None:
        """Send the pieces, each in a TCP packet of its own, until the server has closed."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            try:
                self._writer.write(piece)
                await self._writer.drain()
            except OSError:
                return

    async def receive(self, count: int, seconds: float) -> Exchange:
        """Read until `count` answers, and none too many, or the end of the connection, or `seconds` have passed."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self.exchange.closed:
            self._take()
            enough = len(self.exchange.statuses) >= count
            left = QUIET_SECONDS if enough else deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            try:
                data = await asyncio.wait_for(self._reader.read(1 << 20), left)
            except TimeoutError:
                if enough:
                    break
                continue
            except OSError:
                data = b""
            self.exchange.closed = not data
            self._data += data
        self._take()
        self.exchange.left = self._data
        return self.exchange

    async def close(self) -> None:
        """Close the connection, in whatever state it is."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def _take(self) -> None:
        while True:
            number = len(self.exchange.statuses)
            answer, rest = parse(self._data, self.exchange.closed, number < len(self._heads) and self._heads[number])
            if answer is None:
                return
            self.exchange.answers.append(answer)
            self._data = rest


def parse(data: bytes, closed: bool, bodiless: bool) -> tuple[RawAnswer | None, bytes]:
    """Return the first answer in `data` and what follows it; None while it is not whole.

    bodiless: it answers HEAD. closed: nothing more will come, which ends a body without a length.
    """
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found or not head.startswith(b"HTTP/1."):
        return None, data
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if bodiless or status in (204, 304) or status < 200:
        return RawAnswer(status, headers), rest
    if "chunked" in headers.get("transfer-encoding", ""):
        body, after = _unchunk(rest)
        return (None, data) if body is None else (RawAnswer(status, headers, body), after)
    if "content-length" in headers:
        length = int(headers["content-length"])
        if len(rest) < length:
            return None, data
        return RawAnswer(status, headers, rest[:length]), rest[length:]
    return (RawAnswer(status, headers, rest), b"") if closed else (None, data)


def _unchunk(data: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while True:
        line, found, rest = data.partition(b"\r\n")
        if not found:
            return None, b""
        size = int(line.split(b";")[0], 16)
        if len(rest) < size + 2:
            return None, b""
        body += rest[:size]
        data = rest[size + 2 :]
        if size == 0:
            return body, data
