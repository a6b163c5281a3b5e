"""Sessions and refresh tokens that nobody needs any more are deleted; all others stay."""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text, update
from structlog.testing import capture_logs

from ostiary.core.request_info import OPERATOR
from ostiary.core.sealing import digest
from ostiary.features.accounts.service import Accounts
from ostiary.features.sessions import cleanup as rules
from ostiary.features.sessions.models import RefreshTokenRow, SessionRow
from ostiary.features.sessions.rotation import _LOOK_UP
from ostiary.features.sessions.service import Sessions
from ostiary.persistence import cleanup as cleanup_module
from ostiary.persistence.cleanup import Cleanup
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, MakeApp
from tests.support.clients import new_client
from tests.support.clock import FakeClock
from tests.support.people import Person, log_in, person, refresh, register
from tests.support.settings import environment_of, settings_for
from tests.support.waiting import until
from tests.test_cli import ostiary

DAY = 86400
IDLE = 14 * DAY


def cleanup(app: App) -> dict[str, int]:
    """How many sessions and refresh tokens a round has deleted."""
    found = app.run(app.services.get(Cleanup).round)
    return {table: found[table] for table in ("refresh_tokens", "sessions")}


def report(**rows: int) -> str:
    """What the command prints."""
    tables = ("idempotency_keys", "pending_logins", "refresh_tokens", "revocations", "sessions")
    return "".join(f"{table}: {rows.get(table, 0)}\n" for table in tables)


def deleted(tokens: int = 0, sessions: int = 0) -> dict[str, int]:
    return {"refresh_tokens": tokens, "sessions": sessions}


def left(app: App) -> dict[str, int]:
    async def count() -> dict[str, int]:
        async with app.services.database.read() as session:
            return {
                row.__tablename__: await session.scalar(select(func.count()).select_from(row)) or 0
                for row in (RefreshTokenRow, SessionRow)
            }

    return app.run(count)


def end_quietly(app: App, *session_ids: str) -> None:
    """End sessions now, without an entry in the feed."""

    async def end(tx: Transaction) -> None:
        statement = update(SessionRow).where(SessionRow.id.in_(session_ids)).values(ended_at=app.clock.now())
        await tx.session.execute(statement)

    app.run(app.services.database.write, end)


def add_tokens(app: App, session_id: str, count: int, *, lasting: int) -> None:
    """Add refresh tokens to a session, which expire in so many seconds."""
    now = app.clock.now()

    async def add(tx: Transaction) -> None:
        rows = [
            {
                "digest": digest(f"{session_id} {number} {now} {lasting}"),
                "session_id": session_id,
                "created_at": now,
                "expires_at": now + timedelta(seconds=lasting),
            }
            for number in range(count)
        ]
        await tx.session.execute(insert(RefreshTokenRow), rows)

    app.run(app.services.database.write, add)


def test_what_is_in_use_stays(app: App, clock: FakeClock) -> None:
    ada = person(app)
    pair = refresh(app, ada.tokens["refresh_token"]).json
    clock.move(IDLE - 1)
    assert cleanup(app) == deleted()
    assert left(app) == {"refresh_tokens": 2, "sessions": 1}
    assert refresh(app, pair["refresh_token"]).status_code == 200


def test_a_refresh_token_goes_a_day_after_it_has_expired_used_or_not(app: App, clock: FakeClock) -> None:
    register(app)
    unused, used = log_in(app), log_in(app)
    clock.move(1000)
    successor = refresh(app, used.tokens["refresh_token"]).json["refresh_token"]
    clock.move(IDLE + DAY - 1001)
    assert cleanup(app) == deleted()
    clock.move(1)
    assert cleanup(app) == deleted(tokens=2)
    assert left(app) == {"refresh_tokens": 1, "sessions": 2}
    clock.move(1000)
    assert cleanup(app) == deleted(tokens=1)
    for token in (unused.tokens["refresh_token"], used.tokens["refresh_token"], successor):
        assert refresh(app, token).json["code"] == "invalid_refresh_token"


def test_the_theft_of_a_used_token_is_still_noticed(app: App, clock: FakeClock) -> None:
    ada = person(app)
    stolen = ada.tokens["refresh_token"]
    token = refresh(app, stolen).json["refresh_token"]
    for _ in range(3):  # until shortly before the stolen one expires
        clock.move(IDLE // 3 - 100)
        token = refresh(app, token).json["refresh_token"]
    assert cleanup(app) == deleted()
    assert refresh(app, stolen).json["code"] == "invalid_refresh_token"
    assert refresh(app, token).json["code"] == "invalid_refresh_token"
    (told,) = [one for one in log_in(app).get("/me/audit-events").json["events"] if "reused" in one["type"]]
    assert told["details"] == {"session_id": ada.tokens["session_id"]}


def test_a_lost_answer_is_repeated_after_cleanup_too(app: App, clock: FakeClock) -> None:
    ada = person(app)
    first = refresh(app, ada.tokens["refresh_token"]).json
    clock.move(10)
    assert cleanup(app) == deleted()
    assert refresh(app, ada.tokens["refresh_token"]).json["refresh_token"] == first["refresh_token"]


def test_a_session_goes_a_day_after_it_ended_with_its_tokens(app: App, clock: FakeClock) -> None:
    register(app)
    ended, other = log_in(app), log_in(app)
    refresh(app, ended.tokens["refresh_token"])
    ended.post("/logout")
    clock.move(DAY - 1)
    assert cleanup(app) == deleted()
    clock.move(1)
    assert cleanup(app) == deleted(tokens=2, sessions=1)
    assert left(app) == {"refresh_tokens": 1, "sessions": 1}
    assert refresh(app, ended.tokens["refresh_token"]).json["code"] == "invalid_refresh_token"
    assert refresh(app, other.tokens["refresh_token"]).status_code == 200


def test_a_session_goes_a_day_after_it_has_expired_with_its_tokens(
    make_app: MakeApp, database_url: str, clock: FakeClock
) -> None:
    app = make_app(database_url, session_seconds=1000, refresh_token_idle_seconds=5000)
    register(app)
    log_in(app)
    clock.move(DAY)
    log_in(app)
    clock.move(999)
    assert cleanup(app) == deleted()
    clock.move(1)
    assert cleanup(app) == deleted(tokens=1, sessions=1)
    assert left(app) == {"refresh_tokens": 1, "sessions": 1}


def test_an_access_token_of_a_session_that_is_gone_stays_refused(
    make_app: MakeApp, database_url: str, clock: FakeClock
) -> None:
    """Even one that would last longer than the session's row."""
    app = make_app(database_url, access_token_seconds=3 * DAY)
    ada = person(app)
    ada.post("/logout")
    clock.move(2 * DAY)
    assert cleanup(app) == deleted(tokens=1, sessions=1)
    for worker in (app, make_app(database_url, access_token_seconds=3 * DAY)):
        assert worker.client.get("/protected", headers=ada.bearer).json["code"] == "invalid_token"


def test_what_a_user_and_other_services_are_told_does_not_depend_on_cleanup(app: App, clock: FakeClock) -> None:
    register(app)
    client = new_client(app)
    ended, expiring = log_in(app), log_in(app)
    expiring_successor = refresh(app, expiring.tokens["refresh_token"]).json["refresh_token"]
    ended.post("/logout")
    clock.move(IDLE - 60)
    renewed = refresh(app, expiring_successor).json
    clock.move(DAY + 60)
    here = log_in(app)

    def told() -> list[Any]:
        answers: list[Any] = [here.get("/me/sessions").json]
        for token in (ended.tokens["refresh_token"], expiring.tokens["refresh_token"], renewed["refresh_token"]):
            answers += [app.client.post("/oauth/introspect", data={"token": token}, headers=client).json]
        for token in (ended.tokens["refresh_token"], expiring.tokens["refresh_token"]):
            answers += [app.client.post("/oauth/revoke", data={"token": token}, headers=client).status_code]
            answers += [refresh(app, token).json["code"]]
        path = f"/me/sessions/{ended.tokens['session_id']}"
        answers += [app.client.delete(path, headers=here.bearer).json["code"]]
        return answers

    before = told()
    assert cleanup(app) == deleted(tokens=3, sessions=1)
    assert told() == before
    assert refresh(app, renewed["refresh_token"]).status_code == 200


def test_a_last_use_that_is_written_late_meets_no_row(app: App, clock: FakeClock) -> None:
    ada = person(app)
    ada.get("/protected")
    end_quietly(app, ada.tokens["session_id"])
    clock.move(DAY)
    assert cleanup(app) == deleted(tokens=1, sessions=1)
    app.run(app.services.get(Sessions).last_seen.write)
    assert left(app) == {"refresh_tokens": 0, "sessions": 0}


def test_no_transaction_deletes_more_than_it_may(app: App, clock: FakeClock) -> None:
    """Nor do sessions take more tokens with them than that."""
    register(app)
    ids = [log_in(app).tokens["session_id"] for _ in range(5)]
    for session_id in ids:
        add_tokens(app, session_id, 6, lasting=5 * DAY)
    end_quietly(app, *ids)
    clock.move(DAY)
    job = rules.SessionCleanup(clock).ended_sessions

    async def batch() -> dict[str, int]:
        return dict(await app.services.database.write(lambda tx: job(tx, 4)))

    done: list[dict[str, int]] = []
    while not done or any(done[-1].values()):
        before = left(app)
        done.append(app.run(batch))
        assert left(app) == {name: rows - done[-1][name] for name, rows in before.items()}
    # The first four sessions have 28 tokens: seven times four, and then they go themselves.
    assert done == [*[deleted(4)] * 7, deleted(0, 4), deleted(4), deleted(3, 1), deleted()]


def test_the_oldest_go_first(app: App, clock: FakeClock) -> None:
    register(app)
    ids = [log_in(app).tokens["session_id"] for _ in range(3)]
    for session_id in reversed(ids):
        end_quietly(app, session_id)
        clock.move(1)
    clock.move(DAY)
    job = rules.SessionCleanup(clock).ended_sessions

    async def remaining() -> list[str]:
        await app.services.database.write(lambda tx: job(tx, 2))
        async with app.services.database.read() as session:
            return list(await session.scalars(select(SessionRow.id)))

    # Two tokens are the most that go at once; there might be more, so the sessions wait for the next time.
    assert set(app.run(remaining)) == set(ids)
    assert app.run(remaining) == [ids[0]]


async def _one_chain(app: App, token: str, times: int) -> str:
    for _ in range(times):
        token = (await app.services.get(Sessions).refresh(token, OPERATOR)).refresh_token
        await asyncio.sleep(0)
    return token


def test_several_workers_clean_up_at_once_beside_refreshes(
    make_app: MakeApp, database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup_module, "BATCH", 7)
    monkeypatch.setattr(cleanup_module, "PAUSE", 0.0)
    workers = [make_app(database_url) for _ in range(3)]
    app = workers[0]
    register(app)
    gone = [log_in(app).tokens["session_id"] for _ in range(20)]
    for number, session_id in enumerate(gone):
        add_tokens(app, session_id, 10, lasting=60 if number % 2 else 30 * DAY)
    end_quietly(app, *gone)
    clock.move(2 * DAY)
    living = [log_in(app) for _ in range(6)]
    for somebody in living:
        add_tokens(app, somebody.tokens["session_id"], 10, lasting=-2 * DAY)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(worker.services.get(Cleanup).round() for worker in workers),
            *(
                _one_chain(workers[number % 3], somebody.tokens["refresh_token"], 15)
                for number, somebody in enumerate(living)
            ),
        )

    with capture_logs() as logs:
        *rounds, _, _, _, _, _, _ = app.run(all_at_once)
    assert [one for one in logs if one["log_level"] in ("warning", "error")] == []
    assert sum(rounds, Counter()) == {"refresh_tokens": 20 * 11 + 60, "sessions": 20}
    assert left(app) == {"refresh_tokens": 6 * 16, "sessions": 6}


@pytest.mark.postgres
def test_a_refresh_under_way_is_not_waited_for_and_keeps_its_session(
    postgres: str, make_app: MakeApp, clock: FakeClock
) -> None:
    app = make_app(postgres)
    register(app)
    ada, other = log_in(app), log_in(app)
    end_quietly(app, ada.tokens["session_id"], other.tokens["session_id"])
    clock.move(DAY)
    database = app.services.database

    async def meanwhile() -> Counter[str]:
        looked, go_on = asyncio.Event(), asyncio.Event()

        async def look_up(tx: Transaction) -> None:
            await tx.session.execute(_LOOK_UP, {"digest": digest(ada.tokens["refresh_token"])})
            looked.set()
            await go_on.wait()

        holding = asyncio.create_task(database.write(look_up))
        await looked.wait()
        try:
            return await asyncio.wait_for(app.services.get(Cleanup).round(), 5)
        finally:
            go_on.set()
            await holding

    found = app.run(meanwhile)
    assert (found["refresh_tokens"], found["sessions"]) == (1, 1)
    assert cleanup(app) == deleted(tokens=1, sessions=1)
    app.run(app.services.stop)  # before its database is dropped


MANY = 10_000


@pytest.fixture
def crowd(app: App) -> App:
    """Many sessions, each with a token; a few have ended or expired."""
    ada = person(app)
    user_id = ada.get("/me").json["id"]
    randomness, now = app.services.get(Accounts)._randomness, app.clock.now()
    ids = [randomness.new_id() for _ in range(MANY)]
    rows = [
        {
            "id": session_id,
            "user_id": user_id,
            "created_at": now,
            "auth_time": now,
            "expires_at": now + timedelta(seconds=number),
            "ended_at": now + timedelta(seconds=number) if number % 10 == 0 else None,
            "ip": "",
            "user_agent": "",
        }
        for number, session_id in enumerate(ids)
    ]
    tokens = [
        {"digest": digest(one["id"]), "session_id": one["id"], "created_at": now, "expires_at": one["expires_at"]}
        for one in rows
    ]

    async def fill(tx: Transaction) -> None:
        await tx.session.execute(insert(SessionRow), rows)
        await tx.session.execute(insert(RefreshTokenRow), tokens)

    async def analyze(tx: Transaction) -> None:
        await tx.session.execute(text("ANALYZE"))

    app.run(app.services.database.write, fill)
    app.run(app.services.database.write, analyze)
    return app


def plans(app: App, *asked: tuple[Any, dict[str, Any]]) -> list[str]:
    """How the database would execute each statement, as the application sends it."""
    database = app.services.database
    plans: list[str] = []

    def explain(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        return f"{'EXPLAIN QUERY PLAN' if database.is_sqlite else 'EXPLAIN'} {statement}", parameters

    async def ask() -> None:
        engine = database._writer.sync_engine
        async with database._writer.connect() as connection:
            event.listen(engine, "before_cursor_execute", explain, retval=True)
            try:
                for statement, parameters in asked:
                    rows = await connection.execute(statement, parameters)
                    plans.append("\n".join(str(row[-1]) for row in rows.cursor.fetchall()))
            finally:
                event.remove(engine, "before_cursor_execute", explain)

    app.run(ask)
    return plans


def test_nothing_is_read_from_end_to_end_nor_sorted(crowd: App) -> None:
    oldest = {"before": crowd.clock.now() + timedelta(seconds=MANY // 2), "most": 500}
    keys = {"keys": ["a", "b", "c"]}
    statements = (
        (rules._EXPIRED_TOKENS, oldest, "ix_refresh_tokens_expires_at"),
        (rules._EXPIRED_SESSIONS, oldest, "ix_sessions_expires_at"),
        (rules._ENDED_SESSIONS, oldest, "ix_sessions_ended"),
        (rules._TOKENS_OF, {**keys, "most": 500}, "ix_refresh_tokens_session_id"),
        (rules._DELETE_TOKENS, keys, "autoindex_refresh_tokens" if is_sqlite(crowd) else "pk_refresh_tokens"),
        (rules._DELETE_SESSIONS, keys, "autoindex_sessions" if is_sqlite(crowd) else "pk_sessions"),
    )
    found = plans(crowd, *((statement, parameters) for statement, parameters, _ in statements))
    for (_, _, index), plan in zip(statements, found, strict=True):
        assert index in plan, plan
        assert not re.search(r"Seq Scan|Sort|SCAN|B-TREE", plan), plan


def is_sqlite(app: App) -> bool:
    return app.services.database.is_sqlite


def test_a_served_application_tidies_by_itself_until_it_is_stopped(
    app: App, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup_module, "FIRST_AFTER", 0.01)
    monkeypatch.setattr(cleanup_module, "EVERY", 0.01)
    register(app)
    log_in(app)
    clock.move(120 * DAY)
    app.run(app.services.start)
    until(lambda: left(app) == {"refresh_tokens": 0, "sessions": 0})
    app.run(app.services.stop)
    assert app.services.get(Cleanup)._task is not None
    assert app.services.get(Cleanup)._task.cancelled()


@pytest.mark.usefixtures("_logging_restored")
def test_the_command_deletes_all_and_says_how_much(
    make_app: MakeApp, database_url: str, tmp_path: Path, clock: FakeClock
) -> None:
    clock.move(-3650 * DAY)  # long ago, by the command's own clock
    app = make_app(database_url)
    ada: Person = person(app)
    refresh(app, ada.tokens["refresh_token"])
    log_in(app)
    environment = environment_of(settings_for(database_url, tmp_path))
    result = ostiary("cleanup", env=environment)
    assert (result.exit_code, result.stdout) == (0, report(refresh_tokens=3, sessions=2))
    assert left(app) == {"refresh_tokens": 0, "sessions": 0}
    assert ostiary("cleanup", env=environment).stdout == report()


@pytest.mark.usefixtures("_logging_restored")
def test_the_command_has_help_and_tells_a_database_that_cannot_be_reached_in_a_line(tmp_path: Path) -> None:
    assert "Usage:" in ostiary("cleanup", "--help").output
    url = f"sqlite+aiosqlite:///{tmp_path / 'none' / 'ostiary.db'}"
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "ostiary.db").mkdir()
    result = ostiary("cleanup", env=environment_of(settings_for(url, tmp_path)))
    assert result.exit_code == 1
    file = tmp_path / "none" / "ostiary.db"
    assert result.stderr.splitlines()[-1].startswith(f"ostiary: the database {file} cannot be used: ")
