"""People who use a server whose database goes back, and what must hold then."""

import itertools
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.engine import make_url

from tests.conftest import StartServer
from tests.support.postgres_cluster import binaries
from tests.support.servers import ServerProcess
from tests.support.waiting import until

LINE = "the database went back to an earlier state"
PASSWORD = "correct horse battery"
CONNECTIONS = 6
"""Requests for each question, each on a connection of its own: so that every worker is asked."""
SECONDS = 20


def count(url: str, statement: str) -> int:
    """The number that a query gives; one that SQLite and PostgreSQL both know."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        connection = sqlite3.connect(f"file:{address.database}?mode=ro", uri=True, timeout=10)
        try:
            return int(connection.execute(statement).fetchone()[0])
        finally:
            connection.close()
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [str(binaries() / "psql"), "-Atc", statement, plain]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


class Server:
    """A server with two workers that is started again on its database, and what its processes printed."""

    def __init__(self, start: StartServer, url: str, **settings: Any) -> None:
        self.url = url
        self._start = start
        self._settings = {"workers": 2, "issuer": "http://ostiary", **settings}
        self._printed: list[str] = []
        self.process: ServerProcess
        self.start()

    def start(self) -> None:
        self.process = self._start(self.url, **self._settings)

    def stop(self) -> None:
        self.process.stop()
        self._printed.append(self.process.output)

    def kill(self) -> None:
        self.process.kill()
        self.process.process.wait()
        self._printed.append(self.process.output)

    def lines(self) -> int:
        return self.printed().count(LINE)

    def printed(self) -> str:
        return "".join([*self._printed, self.process.output])

    def call(self, method: str, path: str, token: str = "", **kwargs: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.request(method, f"{self.process.url}{path}", headers=headers, timeout=SECONDS, **kwargs)

    def register(self, name: str) -> None:
        assert self.call("POST", "/register", json={"username": name, "password": PASSWORD}).status_code == 201

    def log_in(self, name: str) -> dict[str, str]:
        answer = self.call("POST", "/login", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def log_out(self, tokens: dict[str, str]) -> None:
        assert self.call("POST", "/logout", tokens["access_token"]).status_code == 200

    def end_all(self, tokens: dict[str, str]) -> None:
        answer = self.call("DELETE", "/me/sessions?which=all", tokens["access_token"])
        assert answer.status_code == 200, answer.text

    def accepted(self, tokens: dict[str, str]) -> int:
        """How many of some requests on new connections are let in; no request may fail in another way."""
        found = [self.call("GET", "/protected", tokens["access_token"]).status_code for _ in range(CONNECTIONS)]
        assert set(found) <= {200, 401}, found
        return found.count(200)

    def refresh(self, tokens: dict[str, str]) -> dict[str, str]:
        answer = self.call("POST", "/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]


EVERYONE = "FROM revocations WHERE kind = 'everyone'"
_NUMBERS = itertools.count()


class Round:
    """People before and after a backup, and after the database went back to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.names = [f"{name}{next(_NUMBERS)}" for name in ("ada", "bob", "eve", "dan")]
        for name in self.names:
            server.register(name)
        self.ada, self.bob, self.eve, self.dan = (server.log_in(name) for name in self.names)
        self.events = self._events()
        self.everyone = count(server.url, f"SELECT coalesce(max(seq), 0) {EVERYONE}")
        self.lines = server.lines()

    def after_the_backup(self, others: int = 3) -> None:
        """Change what the backup does not have: revocations before, between and after other ones, new sessions."""
        self.server.log_out(self.bob)
        for _ in range(others):
            self.server.log_out(self.server.log_in(self.names[3]))
        self.server.end_all(self.eve)
        self.undone = self.server.log_in(self.names[0])
        assert self.server.accepted(self.undone) == CONNECTIONS
        assert self.server.accepted(self.bob) == self.server.accepted(self.eve) == 0

    def revoked_stays_revoked(self) -> None:
        """At once, also before anybody has noticed."""
        assert self.server.accepted(self.bob) == self.server.accepted(self.eve) == 0

    def log_outs_work(self) -> None:
        """At once: the answer to a logout means that no worker accepts the token."""
        ways = [("POST", "/logout")] * 3 + [("DELETE", "/me/sessions?which=all")]
        while ways:
            tokens = self.server.log_in(self.names[1])
            answer = self.server.call(*ways[-1], tokens["access_token"])
            assert answer.status_code in {200, 401}, answer.text  # 401: what had happened was noticed between the two
            assert self.server.accepted(tokens) == 0
            if answer.status_code == 200:
                ways.pop()

    def everything_holds(self, lines: Callable[[], int] | None = None) -> None:
        until(lambda: self._events() == self.events + 1, SECONDS)
        for tokens in (self.bob, self.eve, self.undone, self.ada, self.dan):
            assert self.server.accepted(tokens) == 0
        assert self.server.accepted(self.server.refresh(self.ada)) == CONNECTIONS
        assert self.server.accepted(self.server.refresh(self.dan)) == CONNECTIONS
        self.log_outs_work()
        assert self._events() == self.events + 1
        # Those of earlier rounds may have expired: twenty rounds take longer than a token lives on a busy machine.
        assert count(self.server.url, f"SELECT count(*) {EVERYONE} AND seq > {self.everyone}") == 1
        until(lambda: (lines or self.server.lines)() > self.lines)
        assert (lines or self.server.lines)() == self.lines + 1

    def _events(self) -> int:
        return count(self.server.url, "SELECT count(*) FROM audit_events WHERE type = 'database.went_back'")


def remove(file: Path, *sides: str) -> None:
    for side in sides:
        Path(f"{file}{side}").unlink(missing_ok=True)
