"""An attack on everybody who shares a proxy: a request hidden in the body of one that offers an upgrade.

A server that takes the offer for the end of the request answers the hidden one on its own, and a proxy that reuses
the connection gives that answer to whoever asks next.
"""

import asyncio
import base64
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.support.raw_http import address_of

PASSWORD = "correct horse battery"
ATTACKERS = 2
VICTIMS = 2
POLLERS = 2
ENOUGH = 20
"""Attacks, polls and logins without which an attack has shown nothing: on a busy machine it goes on until then."""
MAX_SECONDS = 60.0
PATIENCE = 30.0
"""Seconds that everybody waits for an answer."""
PAUSE = 0.01
"""Seconds between a head and its body, in which a server that is wrong has answered already."""
HEALTHY = b"/healthz"


@dataclass
class Damage:
    """What came of an attack. logins, polls: right answers; foreign: answers that were meant for somebody else.

    attacks: statuses of the attackers' own answers.
    """

    logins: int = 0
    polls: int = 0
    foreign: list[str] = field(default_factory=list)
    attacks: Counter[int] = field(default_factory=Counter)

    @property
    def is_enough(self) -> bool:
        """Whether the attack has had its chance."""
        return min(self.logins, self.polls, sum(self.attacks.values())) >= ENOUGH


class Attack:
    """An attack under way at the proxy at `url`, and how long it lasts."""

    def __init__(self, url: str, seconds: float) -> None:
        self.url = url
        self.damage = Damage()
        self._end = time.monotonic() + seconds
        self._last = time.monotonic() + MAX_SECONDS

    def goes_on(self) -> bool:
        now = time.monotonic()
        return now < self._end or (now < self._last and not self.damage.is_enough and not self.damage.foreign)


class Connection:
    """A keep-alive connection that opens again when the other side has closed it."""

    def __init__(self, url: str) -> None:
        self._address = address_of(url)
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, *pieces: bytes, pause: float = 0.0) -> tuple[int, bytes]:
        """Send a request in pieces; return the status and body of the answer. Raises OSError, EOFError."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        try:
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                await asyncio.sleep(pause)
            head = await self._reader.readuntil(b"\r\n\r\n")
            fields = head.lower()
            if b"chunked" in fields:
                body = await self._chunks()
            else:
                found = [line for line in fields.splitlines() if line.startswith(b"content-length:")]
                body = await self._reader.readexactly(int(found[0].split(b":")[1])) if found else b""
        except (OSError, EOFError):
            self.close()
            raise
        if b"\r\nconnection: close" in fields:
            self.close()
        return int(head.split(b" ", 2)[1]), body

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def post(path: str, body: bytes, *fields: str) -> tuple[bytes, bytes]:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *fields]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode(), body


def credentials(name: str) -> bytes:
    return json.dumps({"username": name, "password": PASSWORD}).encode()


def owner(token: str) -> str:
    """The subject of an access token."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    subject: str = claims["sub"]
    return subject


async def attack(url: str, seconds: float, name: str, protocol: str = "h2c") -> Damage:
    """Attack through the proxy at `url` for so long, or longer, beside people who log in and clients that poll.

    name: the beginning of the users' names, which nobody has yet.
    """
    users = [f"{name}-{number}" for number in range(VICTIMS + 1)]
    setup = Connection(url)
    subjects = {}
    for user in users:
        status, body = await setup.ask(b"".join(post("/register", credentials(user))))
        assert status == 201, body
        status, body = await setup.ask(b"".join(post("/login", credentials(user))))
        assert status == 200, body
        subjects[user] = owner(json.loads(body)["access_token"])
    status, healthy = await setup.ask(_poll())
    assert status == 200, healthy
    setup.close()
    going = Attack(url, seconds)
    workers = [_attacker(going, users[0], protocol) for _ in range(ATTACKERS)]
    workers += [_victim(going, user, subjects[user]) for user in users[1:]]
    workers += [_poller(going, healthy) for _ in range(POLLERS)]
    await asyncio.gather(*workers)
    return going.damage


def _poll() -> bytes:
    return b"GET " + HEALTHY + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _attacker(attack: Attack, user: str, protocol: str) -> None:
    damage = attack.damage
    hidden = b"".join(post("/login", credentials(user)))
    head, body = post("/register", hidden, "Connection: Upgrade", f"Upgrade: {protocol}")
    while attack.goes_on():
        connection = Connection(attack.url)
        try:
            async with asyncio.timeout(PATIENCE):
                status, _ = await connection.ask(head, body, pause=PAUSE)
            damage.attacks[status] += 1
        except (OSError, EOFError, TimeoutError):
            damage.attacks[0] += 1
        finally:
            connection.close()


async def _victim(attack: Attack, user: str, subject: str) -> None:
    damage = attack.damage
    connection = Connection(attack.url)
    while attack.goes_on():
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await connection.ask(b"".join(post("/login", credentials(user))))
        except (OSError, EOFError, TimeoutError) as error:
            damage.foreign.append(f"a login without an answer: {error!r}")
            continue
        told = json.loads(body)
        if status == 200 and "access_token" in told and owner(told["access_token"]) == subject:
            damage.logins += 1
        else:
            damage.foreign.append(f"a login answered {status} {body[:80]!r}")
    connection.close()


async def _poller(attack: Attack, healthy: bytes) -> None:
    damage = attack.damage
    connection = Connection(attack.url)
    while attack.goes_on():
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await connection.ask(_poll())
        except (OSError, EOFError, TimeoutError) as error:
            damage.foreign.append(f"a poll without an answer: {error!r}")
            continue
        if (status, body) == (200, healthy):
            damage.polls += 1
        else:
            damage.foreign.append(f"a poll answered {status} {body[:80]!r}")
    connection.close()
