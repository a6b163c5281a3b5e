"""POST /refresh."""

from pathlib import Path
from typing import Any

from sqlalchemy import event

from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import log_in, person, refresh, register


def test_a_new_pair_works_and_keeps_the_session(app: App) -> None:
    ada = person(app)
    answer = refresh(app, ada.tokens["refresh_token"])
    assert answer.status_code == 200
    assert answer.json["session_id"] == ada.tokens["session_id"]
    assert answer.json["refresh_token"] != ada.tokens["refresh_token"]
    bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
    assert app.client.get("/protected", headers=bearer).status_code == 200


def test_a_chain_of_refreshes(app: App, clock: FakeClock) -> None:
    token = person(app).tokens["refresh_token"]
    for _ in range(5):
        clock.move(600)
        answer = refresh(app, token)
        assert answer.status_code == 200
        token = answer.json["refresh_token"]


def test_a_lost_answer_is_repeated_within_the_grace_time(app: App, clock: FakeClock) -> None:
    ada = person(app)
    first = refresh(app, ada.tokens["refresh_token"])
    clock.move(10)
    second = refresh(app, ada.tokens["refresh_token"])
    assert second.json["refresh_token"] == first.json["refresh_token"]
    assert refresh(app, second.json["refresh_token"]).status_code == 200


def test_a_late_replay_ends_the_session(app: App, clock: FakeClock) -> None:
    ada = person(app)
    stolen = ada.tokens["refresh_token"]
    successor = refresh(app, stolen).json
    clock.move(10.1)
    assert refresh(app, stolen).json["code"] == "invalid_refresh_token"
    assert refresh(app, successor["refresh_token"]).json["code"] == "invalid_refresh_token"
    assert ada.get("/protected").json["code"] == "invalid_token"


def test_a_late_replay_is_written_into_the_audit_trail(app: App, clock: FakeClock) -> None:
    ada = person(app)
    refresh(app, ada.tokens["refresh_token"])
    clock.move(60)
    for _ in range(2):  # the second time there is nothing left to end
        assert refresh(app, ada.tokens["refresh_token"]).status_code == 401
    (told,) = [one for one in log_in(app).get("/me/audit-events").json["events"] if "reused" in one["type"]]
    assert (told["type"], told["outcome"]) == ("session.refresh_token_reused", "failure")
    assert told["details"] == {"session_id": ada.tokens["session_id"]}


def test_it_takes_three_statements(app: App) -> None:
    ada = person(app)
    ada.get("/me")  # a served application follows the feed from its start, this one from the first need on
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    database = app.services.database
    engines = {database._writer.sync_engine, database._reader.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 200
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    assert [one.split()[0] for one in statements if not one.startswith("BEGIN")] == ["SELECT", "UPDATE", "INSERT"], (
        statements
    )


def test_other_sessions_survive_a_replay(app: App, clock: FakeClock) -> None:
    register(app)
    ada, elsewhere = log_in(app), log_in(app)
    refresh(app, ada.tokens["refresh_token"])
    clock.move(60)
    refresh(app, ada.tokens["refresh_token"])
    assert elsewhere.get("/protected").status_code == 200


def test_unknown_tokens_are_refused(app: App) -> None:
    for token in ("x", "é", "\x00", "A" * 256):
        answer = refresh(app, token)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_refresh_token")


def test_an_access_token_is_no_refresh_token(app: App) -> None:
    assert refresh(app, person(app).tokens["access_token"][:256]).status_code == 401


def test_an_idle_token_ends(app: App, clock: FakeClock) -> None:
    ada = person(app)
    clock.move(14 * 86400)
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 401


def test_a_session_ends_however_often_it_is_refreshed(make_app: MakeApp, database_url: str, clock: FakeClock) -> None:
    app = make_app(database_url, session_seconds=1000, refresh_token_idle_seconds=600, access_token_seconds=500)
    token = person(app).tokens["refresh_token"]
    clock.move(590)
    pair = refresh(app, token).json
    assert pair["refresh_token_expires_in"] == 410
    assert pair["expires_in"] == 410  # no access token outlives its session
    clock.move(410)
    assert refresh(app, pair["refresh_token"]).status_code == 401


def test_after_logout_there_is_no_refresh(app: App) -> None:
    ada = person(app)
    ada.post("/logout")
    assert refresh(app, ada.tokens["refresh_token"]).json["code"] == "invalid_refresh_token"


def test_the_database_does_not_hold_the_tokens(sqlite_app: App, sqlite_url: str) -> None:
    ada = person(sqlite_app)
    successor = refresh(sqlite_app, ada.tokens["refresh_token"]).json["refresh_token"]
    file = sqlite_app.services.database.url.database
    assert file is not None
    stored = Path(file).read_bytes() + Path(f"{file}-wal").read_bytes()
    assert ada.tokens["refresh_token"].encode() not in stored
    assert successor.encode() not in stored
