"""`ostiary backup`, `ostiary restore` and `ostiary sessions end`."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.engine import make_url

from ostiary.cli import main
from ostiary.features.audit.models import AuditEventRow
from tests.conftest import MakeApp
from tests.support.clock import FakeClock
from tests.support.people import log_in, person, refresh
from tests.support.settings import SECRET

pytestmark = pytest.mark.usefixtures("_logging_restored")


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(make_url(sqlite_url).database or "")


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OSTIARY_SECRET_KEY", SECRET)
    monkeypatch.setenv("OSTIARY_DATA_DIR", str(tmp_path))


def ostiary(url: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], env={"OSTIARY_DATABASE_URL": url})


def refused(url: str, *arguments: object) -> str:
    result = ostiary(url, *arguments)
    assert result.exit_code in {1, 2}
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("ostiary: ")
    return line


def test_a_backup_is_one_private_file_of_the_running_server(make_app: MakeApp, sqlite_url: str, tmp_path: Path) -> None:
    app = make_app(sqlite_url)
    person(app)
    copy = tmp_path / "copy.db"
    assert ostiary(sqlite_url, "backup", copy).exit_code == 0
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("copy.db-*"))
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT username FROM users").fetchall() == [("ada",)]


def test_a_backup_overwrites_nothing_and_says_what_else_to_do(sqlite_url: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    assert "is not overwritten: name another file" in refused(sqlite_url, "backup", there)
    assert there.read_text() == "mine"
    assert "OSTIARY_DATABASE_URL" in refused(f"sqlite+aiosqlite:///{tmp_path}/none.db", "backup", tmp_path / "copy")
    for command, instead in (("backup", "pg_dump"), ("restore", "pg_restore")):
        assert instead in refused("postgresql+asyncpg://nobody@127.0.0.1:1/none", command, there)


def test_a_restore_refuses_what_is_no_backup(sqlite_url: str, file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    text, other = tmp_path / "text", tmp_path / "other.db"
    text.write_text("no database" * 100)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE users (id)")
    assert "is not an Ostiary database" in refused(sqlite_url, "restore", text)
    assert "tables are missing" in refused(sqlite_url, "restore", other)
    assert "there is no file" in refused(sqlite_url, "restore", tmp_path / "none")
    assert file.read_bytes() == before


def test_a_restore_refuses_while_a_server_has_the_database_open(
    make_app: MakeApp, sqlite_url: str, file: Path, tmp_path: Path
) -> None:
    app = make_app(sqlite_url)
    person(app)
    backup = tmp_path / "backup.db"
    assert ostiary(sqlite_url, "backup", backup).exit_code == 0
    assert "stop it, then restore" in refused(sqlite_url, "restore", backup)
    assert log_in(app).get("/me").status_code == 200
    assert not list(tmp_path.glob("ostiary.db-restored*"))
    app.run(app.services.stop)
    assert ostiary(sqlite_url, "restore", backup).exit_code == 0
    assert [one.name for one in sorted(tmp_path.glob("ostiary.db*"))] == ["ostiary.db"]


def test_a_restored_backup_of_an_earlier_version_is_recognised(
    make_app: MakeApp, sqlite_url: str, file: Path, tmp_path: Path
) -> None:
    """Nothing was ever revoked in it, and it has no identity."""
    ada = person(make_app(sqlite_url))
    backup = tmp_path / "backup.db"
    ostiary(sqlite_url, "backup", backup)
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("DROP TABLE feed_identity")
        connection.execute("ALTER TABLE revocations DROP COLUMN kept_session")
        connection.execute("DROP TABLE pending_logins")
        for column in ("amr", "acr"):
            connection.execute(f"ALTER TABLE sessions DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0010'")
        connection.commit()
    elsewhere = f"sqlite+aiosqlite:///{tmp_path}/new/ostiary.db"
    assert ostiary(elsewhere, "restore", backup).exit_code == 0
    app = make_app(elsewhere)
    assert app.client.get("/protected", headers=ada.bearer).status_code == 401
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 200


def test_a_restore_brings_back_a_damaged_database(sqlite_url: str, file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(file, backup)
    file.write_bytes(b"garbage!" * 1000)
    assert ostiary(sqlite_url, "restore", backup).exit_code == 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_all_sessions_end_or_those_that_began_since(make_app: MakeApp, database_url: str, clock: FakeClock) -> None:
    app = make_app(database_url)
    first = person(app)
    clock.move(60)
    since = clock.now()
    second = log_in(app)
    result = ostiary(database_url, "sessions", "end", "--since", since.isoformat())
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "Ended 1 sessions")
    assert (first.get("/me").status_code, second.get("/me").status_code) == (200, 401)
    assert refresh(app, second.tokens["refresh_token"]).status_code == 401
    result = ostiary(database_url, "sessions", "end", "--all")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "Ended 1 sessions")
    assert first.get("/me").status_code == 401
    assert refresh(app, first.tokens["refresh_token"]).status_code == 401

    async def told() -> list[str]:
        query = select(AuditEventRow.details).where(AuditEventRow.type == "session.ended_by_operator")
        async with app.services.database.read() as session:
            return list(await session.scalars(query.order_by(AuditEventRow.seq)))

    assert app.run(told) == [
        f'{{"sessions": 1, "since": "{since.isoformat()}"}}',
        '{"sessions": 1, "since": null}',
    ]


@pytest.mark.parametrize("arguments", [(), ("--all", "--since", "2026-11-23")])
def test_which_sessions_to_end_has_to_be_said(sqlite_url: str, arguments: tuple[str, ...]) -> None:
    assert "--all, or --since TIME" in refused(sqlite_url, "sessions", "end", *arguments)


def test_what_is_no_time_is_refused(sqlite_url: str) -> None:
    result = ostiary(sqlite_url, "sessions", "end", "--since", "yesterday")
    assert (result.exit_code, "is not a time such as" in result.stderr) == (2, True)
