"""The attacks: each what one hostile connection does, again and again or for as long as it lasts."""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from benchmarks.hostile.attacker import Attacker

MEGABYTE = 1_000_000
LARGE = 50 * MEGABYTE
PIPELINE = 10_000
MEMBERS = 8_100
LARGEST_PAGE = "/docs/swagger-ui-bundle.js"

Attack = Callable[[Attacker], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """One attack. connections: at once. addresses: from how many addresses. says: what it does, for the table."""

    says: str
    connections: int
    run: Attack
    addresses: int = 1


def _head(method: str, path: str, *fields: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()


def _json_head(path: str, length: int, *fields: str) -> bytes:
    return _head("POST", path, "Content-Type: application/json", f"Content-Length: {length}", *fields)


_CHUNKED = _head("POST", "/register", "Content-Type: application/json", "Transfer-Encoding: chunked")
_HEALTH = _head("GET", "/healthz")


async def _trailers(attacker: Attacker) -> None:
    line = b"X-A: " + b"b" * 1000 + b"\r\n"
    await attacker.send(_CHUNKED + b"2\r\n{}\r\n0\r\n", _pieces(line * 64, LARGE), b"\r\n")
    await attacker.answer()


async def _extensions(attacker: Attacker) -> None:
    await attacker.send(_CHUNKED + b"2", _pieces(b";aaaa" * 12_000, LARGE), b"\r\n{}\r\n0\r\n\r\n")
    await attacker.answer()


def _pieces(piece: bytes, total: int) -> Iterable[bytes]:
    return (piece for _ in range(total // len(piece)))


async def _tiny_chunks(attacker: Attacker) -> None:
    body = json.dumps({"username": "a" * 60_000, "password": "a"}).encode()
    sent = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    await attacker.send(_CHUNKED + sent + b"0\r\n\r\n")
    await attacker.answer()


async def _pipeline(attacker: Attacker) -> None:
    await attacker.send(_HEALTH * PIPELINE)
    await attacker.hold()


async def _slow_head(attacker: Attacker) -> None:
    await attacker.trickle(b"GET /healthz HTTP/1.1\r\n", b"X-A: b\r\n", 1.0)


async def _slow_body(attacker: Attacker) -> None:
    await attacker.trickle(_json_head("/login", 60_000), b"a", 1.0)


async def _slow_reader(attacker: Attacker) -> None:
    await attacker.send(_head("GET", LARGEST_PAGE) * 10)
    await attacker.hold()


async def _members(attacker: Attacker) -> None:
    body = b"{" + b",".join(b'"%04x":0' % number for number in range(MEMBERS))[:65_000].rpartition(b",")[0] + b"}"
    await attacker.send(_json_head("/login", len(body)) + body)
    await attacker.answer()


async def _nesting(attacker: Attacker) -> None:
    body = b'{"username":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    await attacker.send(_json_head("/login", len(body)) + body)
    await attacker.answer()


async def _errors(attacker: Attacker) -> None:
    body = json.dumps({"name": "a", "scopes": [0] * 20_000}, separators=(",", ":")).encode()
    await attacker.send(_json_head("/me/api-keys", len(body), f"Authorization: Bearer {attacker.token}") + body)
    await attacker.answer()


async def _idle(attacker: Attacker) -> None:
    await attacker.send(_HEALTH)
    await attacker.answer()
    await attacker.hold()


async def _churn(attacker: Attacker) -> None:
    await attacker.send(_HEALTH)
    await attacker.answer()
    await attacker.pace(1 / 50)  # ten of them make 500 connections a second


async def _upgrade(attacker: Attacker) -> None:
    hidden = _json_head("/login", 2) + b"{}"
    await attacker.send(_json_head("/register", len(hidden), "Connection: Upgrade", "Upgrade: h2c"))
    await attacker.pace(0.01)
    await attacker.send(hidden)
    await attacker.answer()


KINDS = {
    "trailers": Kind("50 MB of trailers", 8, _trailers),
    "extensions": Kind("a chunk extension of 50 MB", 8, _extensions),
    "tiny-chunks": Kind("60,000 chunks of one byte", 8, _tiny_chunks),
    "pipelines": Kind("10,000 requests, no answer read", 16, _pipeline),
    "slow-heads": Kind("heads of one line a second", 300, _slow_head),
    "slow-bodies": Kind("bodies of one byte a second", 300, _slow_body),
    "slow-readers": Kind("the largest page, not read", 100, _slow_reader),
    "members": Kind("JSON of 8,100 members", 4, _members),
    "nesting": Kind("JSON of 30,000 levels", 4, _nesting),
    "errors": Kind("a list of 20,000 wrong items", 4, _errors),
    "idle": Kind("2,500 idle connections", 2_500, _idle, addresses=25),
    "churn": Kind("500 connections a second", 10, _churn),
    "upgrades": Kind("Upgrade offers with bodies", 8, _upgrade),
}
"""All attacks by name."""
