"""Nodes that stop for a while: others wait for them once, and they accept nothing that was revoked in the time."""

import asyncio
import itertools
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ostiary.features.revocation import on_postgres
from ostiary.features.revocation.memory import Entry
from ostiary.features.revocation.on_postgres import PATIENCE, PostgresFollower
from ostiary.persistence.database import Database
from tests.conftest import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import until

WAITED = "some workers did not say that they know a revocation"
ADA = {"username": "ada", "password": "correct horse battery"}


class Node:
    def __init__(self, server: ServerProcess) -> None:
        self.server = server

    def log_in(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {httpx.post(f'{self.server.url}/login', json=ADA).json()['access_token']}"}

    def log_out(self, bearer: dict[str, str]) -> None:
        assert httpx.post(f"{self.server.url}/logout", headers=bearer, timeout=30).status_code == 200

    def accepts(self, bearer: dict[str, str]) -> bool:
        return httpx.get(f"{self.server.url}/protected", headers=bearer, timeout=30).status_code == 200


@pytest.fixture
def nodes(start_server: StartServer, postgres: str) -> Iterator[tuple[Node, Node]]:
    first = Node(start_server(postgres, workers=2, issuer="http://ostiary"))
    second = Node(start_server(postgres, workers=1, issuer="http://ostiary"))
    httpx.post(f"{first.server.url}/register", json=ADA)
    yield first, second
    second.server.process.send_signal(signal.SIGCONT)


@pytest.mark.postgres
@pytest.mark.uncounted
def test_a_node_that_is_stopped_costs_the_others_one_wait(nodes: tuple[Node, Node]) -> None:
    running, stopped = nodes
    bearers = [running.log_in() for _ in range(8)]
    assert all(stopped.accepts(bearer) for bearer in bearers)
    stopped.server.signal_workers(signal.SIGSTOP)
    for bearer in bearers[:6]:
        running.log_out(bearer)
    assert running.server.output.count(WAITED) == 1
    stopped.server.signal_workers(signal.SIGCONT)
    assert not any(stopped.accepts(bearer) for bearer in bearers[:6])
    assert stopped.accepts(bearers[6])
    # It has spoken again, so it is waited for again: the answer to a logout still means that it knows.
    for bearer in bearers[6:]:
        running.log_out(bearer)
        assert not stopped.accepts(bearer)
    assert running.server.output.count(WAITED) == 1
    # And a second stop costs one more.
    bearers = [running.log_in() for _ in range(3)]
    stopped.server.signal_workers(signal.SIGSTOP)
    for bearer in bearers:
        running.log_out(bearer)
    until(lambda: running.server.output.count(WAITED) == 2)


class Row(tuple[Any, ...]):
    """What asyncpg returns: a tuple whose members have names too."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, 0 if key == "seq" else key)


def entry(
    seq: int, kind: str = "session", subject: str = "s", expires_at: int = 0, kept_session: str | None = None
) -> Row:
    return Row((seq, kind, subject, expires_at, kept_session))


class Connection:
    """The feed's connection, with entries that are committed while something else happens on it."""

    def __init__(self, follower: PostgresFollower, clock: list[float]) -> None:
        self.entries: list[Row] = []
        self.happened: list[str] = []
        self.at_acknowledgement: list[Entry] = []
        self.seconds_to_acknowledge = 0.0
        self._follower = follower
        self._clock = clock

    async def fetch(self, _query: str, position: int, _limit: int) -> list[Row]:
        self.happened.append("read, trusted" if self._follower.is_current() else "read")
        return [entry for entry in self.entries if entry["seq"] > position]

    async def execute(self, *_: object) -> None:
        self.happened.append("acknowledge, trusted" if self._follower.is_current() else "acknowledge")
        self._clock[0] += self.seconds_to_acknowledge
        self.seconds_to_acknowledge = 0.0
        while self.at_acknowledgement:
            self.entries.append(entry(*self.at_acknowledgement.pop()))


class Follower(PostgresFollower):
    def __init__(self, clock: list[float]) -> None:
        database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", 1, 1)
        self.applied: list[int] = []

        async def recover() -> None:
            raise AssertionError("nothing went back")

        assert database.address is not None
        apply = lambda entries: self.applied.extend(one[0] for one in entries)  # noqa: E731
        super().__init__(database, database.address, apply, recover, "me")
        self.connection = Connection(self, clock)

    def catch_up(self) -> list[str]:
        self.connection.happened = []
        """Return what happened, in turn; it reads until there is no more."""
        asyncio.run(self._catch_up(self.connection))
        return [what for what, _ in itertools.groupby(self.connection.happened)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr(on_postgres, "loop_time", lambda: clock[0])
    return clock


@pytest.fixture
def follower(clock: list[float]) -> Follower:
    follower = Follower(clock)
    assert follower.catch_up() == ["read"]
    assert follower.is_current()
    return follower


def test_news_in_time_are_read_once_and_trusted_all_along(follower: Follower, clock: list[float]) -> None:
    clock[0] += 1
    follower.connection.entries.append(entry(1))
    assert follower.catch_up() == ["read, trusted", "acknowledge, trusted"]
    assert follower.is_current()


def test_after_a_pause_a_worker_speaks_and_reads_again_before_it_trusts_its_memory(
    follower: Follower, clock: list[float]
) -> None:
    clock[0] += PATIENCE
    assert not follower.is_current()
    follower.connection.entries.append(entry(1))
    # Committed before its news got through, by somebody who has stopped waiting for it.
    follower.connection.at_acknowledgement = [(2, "session", "t", 0, None)]
    assert follower.catch_up() == ["read", "acknowledge", "read", "acknowledge"]
    assert follower.applied == [1, 2]
    assert follower.is_current()


def test_news_whose_acknowledgement_takes_too_long_do_not_count(follower: Follower, clock: list[float]) -> None:
    clock[0] += 1
    follower.connection.entries.append(entry(1))
    follower.connection.seconds_to_acknowledge = PATIENCE
    follower.connection.at_acknowledgement = [(2, "session", "t", 0, None)]
    assert follower.catch_up() == ["read, trusted", "acknowledge, trusted", "read", "acknowledge", "read"]
    assert follower.applied == [1, 2]
