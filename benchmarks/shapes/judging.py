"""Sending shapes and judging what comes back."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import programs
from benchmarks.shapes.answers import Connection, Exchange
from benchmarks.shapes.shape import CREDENTIALS, NAME, OTHER_SPELLING, PASSWORD, TOKEN, Shape
from ostiary.core.randomness import SystemRandomness

AT_ONCE = 6
"""Shapes under way at the same time, the slow ones not counted."""
SLOW = 30.0
"""Seconds from which on a shape only waits, and costs the others nothing."""


def new_name() -> str:
    """Return a user name of sixteen characters that nobody has."""
    return SystemRandomness().new_id().replace("-", "")[-16:]


@dataclass(frozen=True)
class Session:
    """A user of the server's. token: an access token whose signature shows which alphabet it is written in."""

    username: str
    token: str

    @classmethod
    def begin(cls, url: str) -> "Session":
        """Register somebody and log them in; raises Failed."""
        name = new_name()
        credentials = {"username": name, "password": PASSWORD}
        programs.call(f"{url}/register", credentials)
        while True:
            token: str = programs.call(f"{url}/login", credentials)["access_token"]
            if {"-", "_"} & set(token.rpartition(".")[2]):
                return cls(name, token)

    def fill(self, piece: bytes) -> bytes:
        """Put what this run uses in the places that a shape leaves open."""
        credentials = json.dumps({"username": self.username, "password": PASSWORD}).encode()
        head, dot, signature = self.token.rpartition(".")
        other = head + dot + signature.replace("-", "+").replace("_", "/")
        for place, value in (
            (b"@LENGTH@", str(len(credentials)).encode()),
            (CREDENTIALS, credentials),
            (TOKEN, self.token.encode()),
            (OTHER_SPELLING, other.encode()),
            (NAME, new_name().encode()),
        ):
            piece = piece.replace(place, value)
        return piece


@dataclass(frozen=True)
class Verdict:
    """What came of one shape. seen: the statuses, and whether the connection was closed."""

    name: str
    kind: str
    rfc: str
    right: bool
    seen: str

    def line(self) -> str:
        """Return it as a line of the report."""
        return f"{'right' if self.right else 'WRONG':<6}{self.kind:<20}{self.name:<54}{self.rfc:<14}{self.seen}"


async def judge_all(url: str, session: Session, shapes: Sequence[Shape]) -> list[Verdict]:
    """Send all shapes to the server at `url`; return the verdicts in the order of the shapes."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def judged(shape: Shape) -> Verdict:
        if shape.seconds + shape.pause * len(shape.pieces) > SLOW:
            return await judge(url, session, shape)
        async with gate:
            return await judge(url, session, shape)

    return await asyncio.gather(*map(judged, shapes))


async def judge(url: str, session: Session, shape: Shape) -> Verdict:
    """Send one shape and judge the answers."""
    connection = await Connection(url, shape.heads).open()
    try:
        pieces = tuple(session.fill(piece) for piece in shape.pieces)
        if shape.reads:
            sending = asyncio.ensure_future(connection.send(pieces, shape.pause))
            waiting = shape.seconds + shape.pause * (len(pieces) - 1)
            exchange = await connection.receive(shape.count, waiting)
            sending.cancel()
        else:
            await asyncio.wait_for(connection.send(pieces, shape.pause), shape.seconds)
            await asyncio.sleep(shape.seconds)
            exchange = await connection.receive(shape.count, 10)
    finally:
        await connection.close()
    return Verdict(shape.name, shape.kind, shape.rfc, shape.right(exchange), _seen(exchange))


def _seen(exchange: Exchange) -> str:
    statuses = exchange.statuses
    shown = f"{len(statuses)} x {statuses[0]}" if len(statuses) > 4 and len(set(statuses)) == 1 else str(statuses)
    size = f", {len(exchange.bodies[0])} bytes" if len(statuses) == 1 and len(exchange.bodies[0]) > 32_768 else ""
    return (
        shown
        + size
        + (", closed" if exchange.closed else ", kept")
        + (f", {exchange.left[:30]!r}" if exchange.left else "")
    )
