"""`ostiary audit verify` on databases that somebody has tampered with, and on one that many have written to at once."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from ostiary.features.audit import verification
from ostiary.features.audit.service import Audit
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, StartServer
from tests.features.test_many_at_once import together
from tests.support.databases import run_on_server
from tests.support.people import PASSWORD, person
from tests.support.servers import ServerProcess, environment_without_settings
from tests.support.settings import environment_of

WHOLE = re.compile(r"(\d+) events fit; head ([0-9a-f]{64})\n")


class Trail:
    """The trail of an application, and the command that verifies it."""

    def __init__(self, app: App, directory: Path) -> None:
        self.app = app
        self._directory = directory
        for name in ("ada", "grace", "alan"):
            person(app, name)

    def verify(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ostiary.cli", "audit", "verify", *options],
            cwd=self._directory,
            env={
                **environment_without_settings(),
                **environment_of(self.app.settings),
                "OSTIARY_LOG_LEVEL": "error",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def told(self, *options: str) -> tuple[int, str]:
        """The number of events and the head of a trail that is whole."""
        done = self.verify(*options)
        assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
        assert done.stderr.startswith("Using the database ")
        found = WHOLE.fullmatch(done.stdout)
        assert found is not None, done.stdout
        return int(found[1]), found[2]

    def misfit(self, *options: str) -> tuple[int, str]:
        """The first event that does not fit, and why."""
        done = self.verify(*options)
        assert done.returncode == 1
        found = re.fullmatch(
            r"Using the database .*\nostiary: event (-?\d+) \([0-9a-f-]{36}\) does not fit: (.*)\n", done.stderr
        )
        assert found is not None, done.stderr
        return int(found[1]), found[2]

    def tamper(self, statement: str) -> None:
        """Change the table as somebody does who may do everything with the database."""
        url = make_url(self.app.settings.database_url)
        if self.app.services.database.is_sqlite:
            with sqlite3.connect(str(url.database)) as connection:
                for event in ("UPDATE", "DELETE"):
                    connection.execute(f"DROP TRIGGER IF EXISTS audit_events_no_{event}")
                connection.execute(statement)
            connection.close()
            return
        shown = url.render_as_string(hide_password=False)
        run_on_server(shown, "DROP TRIGGER IF EXISTS audit_events_no_change ON audit_events", statement)


@pytest.fixture
def trail(app: App, tmp_path: Path) -> Trail:
    return Trail(app, tmp_path)


def test_a_trail_that_nobody_has_touched_is_whole(trail: Trail) -> None:
    count, head = trail.told()
    assert count == 7  # two for each, and the first key
    person(trail.app, "edsger")
    later, other = trail.told("--expect-head", head)
    assert (later, other == head) == (9, False)


@pytest.mark.parametrize(
    ("change", "event", "reason"),
    [
        ("UPDATE audit_events SET ip = '192.0.2.1' WHERE seq = 3", 3, verification.ALTERED),
        ("UPDATE audit_events SET details = '{}' WHERE seq = 5", 5, verification.ALTERED),
        ("UPDATE audit_events SET user_id = NULL WHERE seq = 1", 1, verification.ALTERED),
        ("UPDATE audit_events SET outcome = 'failure' WHERE seq = 6", 6, verification.ALTERED),
        ("UPDATE audit_events SET hash = previous_hash WHERE seq = 5", 5, verification.ALTERED),
        ("DELETE FROM audit_events WHERE seq = 1", 2, verification.UNLINKED),
        ("DELETE FROM audit_events WHERE seq IN (3, 4)", 5, verification.UNLINKED),
        ("UPDATE audit_events SET seq = 100 - seq", 93, verification.UNLINKED),
        ("UPDATE audit_events SET seq = -2 WHERE seq = 2", -2, verification.UNLINKED),
    ],
)
def test_what_was_altered_removed_or_moved_is_named(trail: Trail, change: str, event: int, reason: str) -> None:
    trail.tamper(change)
    assert trail.misfit() == (event, reason)


def test_an_end_that_was_cut_off_is_noticed_with_the_head_alone(trail: Trail) -> None:
    _, head = trail.told()
    trail.tamper("DELETE FROM audit_events WHERE seq > 4")
    assert trail.told()[0] == 4
    refused = trail.verify("--expect-head", head)
    assert (refused.returncode, refused.stderr.partition("\n")[2]) == (
        1,
        f"ostiary: no event has the hash {head}: the end of the trail was cut off\n",
    )


def test_a_trail_longer_than_what_is_read_at_once_is_verified_too(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "AT_ONCE", 2)
    services = trail.app.services
    assert trail.app.run(verification.verify, services.database, services.get(Audit)).events == 7


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_events SET ip = ''", "DELETE FROM audit_events", "DELETE FROM audit_events WHERE seq = 1"],
)
def test_the_database_refuses_to_change_what_is_there(trail: Trail, statement: str) -> None:
    async def change() -> None:
        async def work(tx: Transaction) -> None:
            await tx.session.execute(text(statement))

        await trail.app.services.database.write(work)

    with pytest.raises(DBAPIError, match="audit events are only ever added"):
        trail.app.run(change)
    assert trail.told()[0] == 7


def test_events_outlive_the_account(trail: Trail) -> None:
    margaret = person(trail.app, "margaret")
    assert trail.app.client.delete("/me", headers=margaret.bearer).status_code == 204
    assert trail.told()[0] >= 10


def test_the_chain_stays_one_however_many_write_at_once(trail: Trail, start_server: StartServer) -> None:
    server: ServerProcess = start_server(trail.app.settings.database_url, workers=2, trusted_proxies="192.0.2.1")
    bodies = [{"username": f"user-{number}", "password": PASSWORD} for number in range(24)]
    for path, status in (("/register", 201), ("/login", 200)):
        answers = together(server, *(("POST", path, {"json": body}) for body in bodies))
        assert {answer.status_code for answer in answers} == {status}, server.output
    assert trail.told()[0] == 7 + 48


def test_another_secret_key_fits_nothing(trail: Trail) -> None:
    settings = trail.app.settings
    object.__setattr__(settings, "secret_key", "another secret of the tests, as long as the first")
    assert trail.misfit() == (1, verification.ALTERED)


def test_nothing_is_whole_too(app: App) -> None:
    verdict = app.run(verification.verify, app.services.database, app.services.get(Audit))
    assert (verdict.events, verdict.is_whole) == (0, True)
