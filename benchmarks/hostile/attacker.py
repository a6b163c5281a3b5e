"""One hostile connection: what the attacks are made of."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable

SMALL_BUFFER = 4096
"""Bytes that the kernel may keep for a client that does not read."""


class Tally:
    """What all connections of an attack have seen. open: connections now; peak: most at once; units: attacks made."""

    def __init__(self) -> None:
        self.open = 0
        self.peak = 0
        self.units = 0
        self.sent = 0
        self.statuses: dict[str, int] = {}
        self.refused = 0

    def count(self, status: str) -> None:
        """Note an answer, or how a connection ended."""
        self.statuses[status] = self.statuses.get(status, 0) + 1


class Attacker:
    """A connection to the server; the attack ends when the server ends it, or at `end` (the loop's time)."""

    def __init__(self, address: tuple[str, int], local: str, token: str, tally: Tally, end: float) -> None:
        self.token = token
        self._address = address
        self._local = local
        self._tally = tally
        self._end = end

    async def open(self) -> None:
        """Connect from the address of the attacker, with a small buffer; raises OSError."""
        loop = asyncio.get_running_loop()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        self._socket.bind((self._local, 0))
        try:
            await asyncio.wait_for(loop.sock_connect(self._socket, self._address), 5)
        except (OSError, TimeoutError):
            self._socket.close()
            self._tally.refused += 1
            raise
        self._tally.open += 1
        self._tally.peak = max(self._tally.peak, self._tally.open)

    def close(self) -> None:
        """Close, with a reset where anything is unread."""
        self._tally.open -= 1
        self._tally.units += 1
        self._socket.close()

    @property
    def _left(self) -> float:
        return max(0.01, self._end - asyncio.get_running_loop().time())

    async def send(self, *parts: bytes | Iterable[bytes]) -> None:
        """Send until the server takes no more; raises OSError, TimeoutError at the end of the attack."""
        for part in parts:
            for piece in (part,) if isinstance(part, bytes) else part:
                sending = asyncio.get_running_loop().sock_sendall(self._socket, piece)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(sending, self._left)
                self._tally.sent += len(piece)
                if asyncio.get_running_loop().time() >= self._end:
                    return

    async def answer(self) -> None:
        """Read one answer to its end."""
        loop = asyncio.get_running_loop()
        data = b""
        while b"\r\n\r\n" not in data:
            part = await asyncio.wait_for(loop.sock_recv(self._socket, 65536), self._left)
            if not part:
                self._tally.count("closed")
                raise EOFError
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        _, found, rest = head.lower().partition(b"\r\ncontent-length:")
        length = int(rest.partition(b"\r\n")[0]) if found else 0
        got = len(body)
        while got < length:
            part = await asyncio.wait_for(loop.sock_recv(self._socket, 65536), self._left)
            if not part:
                raise EOFError
            got += len(part)
        self._tally.count(head.split(b" ", 2)[1].decode())

    async def hold(self) -> None:
        """Keep the connection, reading nothing, to the end of the attack."""
        await asyncio.sleep(self._left)

    async def pace(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(min(seconds, self._left))

    async def trickle(self, first: bytes, piece: bytes, every: float) -> None:
        """Send `first`, then a piece again and again."""
        await self.send(first)
        while asyncio.get_running_loop().time() < self._end:
            await asyncio.sleep(every)
            await self.send(piece)
