"""The quiet client, a process of its own: `python -m benchmarks.hostile.quiet FILE` prints what it has seen as JSON.

It asks for `GET /protected` every few milliseconds, over connections that it keeps and over new ones, and logs in and
out once a second.
"""

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

INTERVAL = 0.005
KEPT = 6
"""Connections that it keeps: enough that each worker has some."""
NEW_EVERY = 8
"""Each so-many-th request goes over a new connection."""
TIMEOUT = 5.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Quiet:
    """What one run of the client sees. latencies: milliseconds. failures: of requests; logins: completed."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._described = described
        self.latencies: list[float] = []
        self.failures: list[str] = []
        self.logins = 0
        self.login_failures: list[str] = []

    async def run(self) -> None:
        """Ask until the time is over."""
        end = time.monotonic() + self._described["seconds"]
        await asyncio.gather(self._ask(end), self._log_in(end))

    async def _open(self) -> Streams:
        return await asyncio.open_connection(self._described["host"], self._described["port"])

    async def _ask(self, end: float) -> None:
        bearer = f"Authorization: Bearer {self._described['token']}"
        sent = f"GET /protected HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n\r\n".encode()
        kept: list[Streams | None] = [None] * KEPT
        number = 0
        while time.monotonic() < end:
            number += 1
            began = time.perf_counter()
            place = None if number % NEW_EVERY == 0 else number % KEPT
            streams = None if place is None else kept[place]
            fresh = streams is None
            try:
                async with asyncio.timeout(TIMEOUT):
                    streams = streams or await self._open()
                    status, _ = await _exchange(streams, sent)
                if status != 200:
                    self.failures.append(f"status {status}")
                self._note(began)
                if place is None:
                    streams[1].close()
                else:
                    kept[place] = streams
            except (OSError, EOFError) as error:
                if place is None or fresh:  # else the server has closed a kept connection, as it may
                    self.failures.append(repr(error))
                    self._note(began)
                self._forget(kept, place, streams)
            except TimeoutError:
                self.failures.append("no answer")
                self._note(began)
                self._forget(kept, place, streams)
            await asyncio.sleep(INTERVAL)

    def _note(self, began: float) -> None:
        self.latencies.append((time.perf_counter() - began) * 1000)

    def _forget(self, kept: list[Streams | None], place: int | None, streams: Streams | None) -> None:
        if streams is not None:
            streams[1].close()
        if place is not None:
            kept[place] = None

    async def _log_in(self, end: float) -> None:
        body = self._described["login"].encode()
        fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        login = f"POST /login HTTP/1.1\r\n{fields}\r\n\r\n".encode() + body
        while time.monotonic() < end:
            try:
                async with asyncio.timeout(TIMEOUT):
                    streams = await self._open()
                    with contextlib.closing(streams[1]):
                        status, answer = await _exchange(streams, login)
                        if status != 200:
                            raise EOFError(f"login {status} {answer[:120]!r}")
                        token = json.loads(answer)["access_token"]
                        fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 0"
                        status, answer = await _exchange(streams, f"POST /logout HTTP/1.1\r\n{fields}\r\n\r\n".encode())
                        if status != 200:
                            raise EOFError(f"logout {status} {answer[:120]!r}")
                self.logins += 1
            except (OSError, EOFError, TimeoutError) as error:
                self.login_failures.append(repr(error))
            await asyncio.sleep(1)


async def _exchange(streams: Streams, sent: bytes) -> tuple[int, bytes]:
    reader, writer = streams
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, found, rest = head.partition(b"\r\ncontent-length:")
    length = int(rest.partition(b"\r\n")[0]) if found else 0
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


def main() -> None:
    """Read the description, ask, print."""
    quiet = Quiet(json.loads(Path(sys.argv[1]).read_text()))
    asyncio.run(quiet.run())
    told = {name: value for name, value in vars(quiet).items() if not name.startswith("_")}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
