"""The load generator for machines without wrk: `python -m benchmarks.load_process FILE` prints its figures as JSON.

HTTP/1.1 with keep-alive and answers that have a Content-Length: enough for the servers compared here.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from uvloop import new_event_loop
except ImportError:  # not on Windows
    from asyncio import new_event_loop  # type: ignore[assignment]

HEAD_END = b"\r\n\r\n"
NOT_MODIFIED = b"HTTP/1.1 304"


class Figures:
    """What the connections of this process have seen. latencies: microseconds."""

    def __init__(self) -> None:
        self.latencies: list[int] = []
        self.failures = 0
        self.ending = False


class Client(asyncio.Protocol):
    """One connection that sends its next request when the last is answered."""

    def __init__(self, requests: Iterator[bytes], figures: Figures) -> None:
        self._requests = requests
        self._figures = figures
        self._received = b""
        self._sent_at = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        received = self._received + data if self._received else data
        head_end = received.find(HEAD_END)
        if head_end < 0 or len(received) < head_end + len(HEAD_END) + _length(received[:head_end]):
            self._received = received
            return
        self._received = b""
        self._figures.latencies.append((time.perf_counter_ns() - self._sent_at) // 1000)
        if not received.startswith((b"HTTP/1.1 2", NOT_MODIFIED)):
            self._figures.failures += 1
        if not self._figures.ending:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that was cut as a failure."""
        if not self._figures.ending:
            self._figures.failures += 1

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter_ns()
        self._transport.write(next(self._requests))


def _length(head: bytes) -> int:
    if head.startswith(NOT_MODIFIED):  # has no body, whatever length it tells (RFC 9110 section 15.4.5)
        return 0
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("an answer without Content-Length")
    return int(rest.partition(b"\r\n")[0])


async def send(described: dict[str, Any]) -> dict[str, Any]:
    """Send what `described` says and return the figures (latencies in microseconds)."""
    figures = Figures()
    texts = [text.encode() for text in described["requests"]]
    requests = itertools.islice(itertools.cycle(texts), described["first"], None)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = [
        await loop.create_connection(lambda: Client(requests, figures), described["host"], described["port"])
        for _ in range(described["connections"])
    ]
    await asyncio.sleep(described["seconds"])
    figures.ending = True
    seconds = time.perf_counter() - began
    answered = len(figures.latencies)
    for transport, _ in clients:
        transport.abort()
    return {"seconds": seconds, "microseconds": figures.latencies[:answered], "failures": figures.failures}


def main() -> None:
    """Read the description, send, print."""
    described = json.loads(Path(sys.argv[1]).read_text())
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(send(described))))


if __name__ == "__main__":
    main()
