"""Clients that log in without pause, and one that is quiet: `python -m benchmarks.overload_clients` DESCRIPTION.

The description is JSON; the figures are printed as JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from typing import Any

try:
    from uvloop import new_event_loop
except ImportError:  # not on Windows
    from asyncio import new_event_loop  # type: ignore[assignment]

QUIET_PAUSE = 0.02


class Figures:
    """What clients have seen: answers by status in time, and how many they did not wait for."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.given_up = 0
        self.is_counting = False
        self.is_over = False


class Client(asyncio.Protocol):
    """Sends a request as soon as the last one is answered, or given up after `patience` seconds."""

    def __init__(self, described: dict[str, Any], figures: Figures) -> None:
        self._described = described
        self._request = described["request"].encode()
        self._figures = figures
        self._received = b""
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._received = b""
        self._transport.write(self._request)
        if self._described["patience"]:
            self._timer = asyncio.get_running_loop().call_later(self._described["patience"], self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer; when it is whole, go on."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split()[0]):
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._figures.is_counting:
            self._figures.statuses[head[9:12].decode()] += 1
        self._send()

    def _give_up(self) -> None:
        if self._figures.is_counting:
            self._figures.given_up += 1
        self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """Connect anew."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._figures.is_over:
            asyncio.get_running_loop().create_task(connect(self._described, self._figures))


async def connect(described: dict[str, Any], figures: Figures) -> None:
    """Open a connection of one client; again after a moment if the server takes none."""
    loop = asyncio.get_running_loop()
    while not figures.is_over:
        try:
            await loop.create_connection(lambda: Client(described, figures), described["host"], described["port"])
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return


async def storm(described: dict[str, Any]) -> dict[str, Any]:
    """Log in with many clients; count after a time in which the storm has become steady."""
    figures = Figures()
    await asyncio.gather(*(connect(described, figures) for _ in range(described["clients"])))
    await asyncio.sleep(described["warm_up"])
    figures.is_counting = True
    began = time.perf_counter()
    await asyncio.sleep(described["seconds"])
    figures.is_counting = False
    figures.is_over = True
    return {
        "seconds": time.perf_counter() - began,
        "statuses": figures.statuses,
        "given_up": figures.given_up,
    }


async def quiet(described: dict[str, Any]) -> dict[str, Any]:
    """Send a request each 20 ms on one connection; return the latencies in ms, sorted."""
    reader, writer = await asyncio.open_connection(described["host"], described["port"])
    latencies = []
    await asyncio.sleep(described["warm_up"])
    until = time.perf_counter() + described["seconds"]
    while (began := time.perf_counter()) < until:
        writer.write(described["request"].encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        latencies.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(QUIET_PAUSE)
    writer.close()
    return {"latencies": sorted(latencies)}


def main() -> None:
    """Read the description, send, print."""
    described = json.loads(sys.argv[1])
    if described["kind"] == "storm":
        os.nice(19)  # real clients have machines of their own
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run((quiet if described["kind"] == "quiet" else storm)(described))))


if __name__ == "__main__":
    main()
