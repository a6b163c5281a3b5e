"""GET and DELETE /me/sessions, POST /me/password, POST /me/reauthenticate."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.core.actor import Actor
from ostiary.core.request_info import OPERATOR
from ostiary.features.accounts.service import Accounts
from ostiary.features.sessions.management import SessionManagement
from ostiary.features.sessions.models import SessionRow
from ostiary.features.sessions.rules import UNKNOWN_DEVICE, device_of
from ostiary.features.sessions.service import Sessions
from ostiary.persistence import last_used
from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import PASSWORD, Person, log_in, person, refresh, register

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def last_seen(app: App) -> list[Any]:
    async def look() -> list[Any]:
        async with app.services.database.read() as session:
            return list(await session.scalars(select(SessionRow.last_seen_at).order_by(SessionRow.id)))

    found: list[Any] = app.run(look)
    return found


def test_each_log_in_is_shown_with_its_device(app: App, clock: FakeClock) -> None:
    register(app)
    headers = {"User-Agent": FIREFOX}
    body = {"username": "ada", "password": PASSWORD}
    first = app.client.post("/login", json=body, headers=headers, environ_base={"REMOTE_ADDR": "203.0.113.7"}).json
    clock.move(60)
    here = log_in(app)
    newer, older = here.get("/me/sessions").json["sessions"]
    assert (newer["id"], newer["current"]) == (here.tokens["session_id"], True)
    assert older == {
        "id": first["session_id"],
        "device": "Firefox on Linux",
        "user_agent": FIREFOX,
        "ip": "203.0.113.7",
        "created_at": "2026-11-23T12:00:00+00:00",
        "last_seen_at": "2026-11-23T12:00:00+00:00",
        "expires_at": "2027-02-21T12:00:00+00:00",
        "current": False,
    }


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("python-httpx/0.28", "python-httpx"),
        ("", UNKNOWN_DEVICE),
        ("/", UNKNOWN_DEVICE),
    ],
)
def test_a_device_is_named_as_people_would(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


def test_sessions_that_have_ended_or_expired_are_not_shown(app: App, clock: FakeClock) -> None:
    register(app)
    log_in(app).post("/logout")
    log_in(app)
    clock.move(90 * 86400)
    here = log_in(app)
    assert [one["id"] for one in here.get("/me/sessions").json["sessions"]] == [here.tokens["session_id"]]


def test_reading_writes_nothing_on_the_way_and_is_noted_later(app: App, clock: FakeClock) -> None:
    ada = person(app)
    clock.move(100)
    for _ in range(3):
        assert ada.get("/protected").status_code == 200
    assert last_seen(app) == [None]
    app.run(app.services.get(Sessions).last_seen.write)
    assert last_seen(app) == [clock.now()]
    shown = ada.get("/me/sessions").json["sessions"][0]
    assert shown["last_seen_at"] == clock.now().isoformat()


def test_uses_are_written_together_after_a_while(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_used, "WRITE_EVERY", 0.05)
    register(app)
    for ada in [log_in(app) for _ in range(3)]:
        ada.get("/protected")

    async def wait() -> None:
        await asyncio.sleep(0.5)

    app.run(wait)
    assert None not in last_seen(app)


def test_a_later_moment_is_not_overwritten_by_an_earlier_one(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    ada = person(one)
    assert other.client.get("/protected", headers=ada.bearer).status_code == 200
    one.clock.move(100)
    assert ada.get("/protected").status_code == 200
    one.run(one.services.get(Sessions).last_seen.write)
    other.run(other.services.get(Sessions).last_seen.write)
    assert last_seen(one) == [one.clock.now()]


def test_what_could_not_be_written_is_kept(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url)
    ada = person(app)
    ada.get("/protected")
    noted = app.services.get(Sessions).last_seen
    database, noted._database = (
        noted._database,
        make_app("sqlite+aiosqlite:////no/such/directory/x.db").services.database,
    )
    app.run(noted._write_later)
    noted._database = database
    app.run(noted.write)
    assert None not in last_seen(app)


@pytest.mark.parametrize("session_id", ["%00", "a%00b", "x", "%F0%A0%AE%B7", "0" * 36])
def test_what_is_no_session_id_is_not_found(app: App, session_id: str) -> None:
    answer = app.client.delete(f"/me/sessions/{session_id}", headers=person(app).bearer)
    assert (answer.status_code, answer.json["code"]) == (404, "session_not_found")


def test_the_sessions_of_others_are_not_found(app: App) -> None:
    ada, grace = person(app, "ada"), person(app, "grace")
    answer = app.client.delete(f"/me/sessions/{ada.tokens['session_id']}", headers=grace.bearer)
    assert (answer.status_code, answer.json["code"]) == (404, "session_not_found")
    assert ada.get("/me").status_code == 200
    assert len(grace.get("/me/sessions").json["sessions"]) == 1


def test_the_new_password_is_the_one_that_counts(app: App) -> None:
    ada = person(app)
    body = {"current_password": PASSWORD, "new_password": "another good password"}
    assert ada.post("/me/password", json=body).json == {"message": "Password changed.", "ended_sessions": 0}
    assert ada.get("/me").status_code == 200
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 200
    for password, status in ((PASSWORD, 401), ("another good password", 200)):
        assert app.client.post("/login", json={"username": "ada", "password": password}).status_code == status
    assert ada.post("/me/password", json=body).json["code"] == "wrong_password"


def test_a_log_in_amid_a_change_of_the_password_fails(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old password was verified before, and its session would begin after the change."""
    ada = person(app)
    verify = app.services.get(Accounts).verify

    async def verify_and_change(*args: Any) -> Any:
        check = await verify(*args)
        management = app.services.get(SessionManagement)
        bearer = await app.services.get(Sessions).authenticate(ada.tokens["access_token"])
        actor = Actor(bearer, lambda _: None)
        await management.change_password(actor, PASSWORD, "another good password", OPERATOR)
        return check

    monkeypatch.setattr(app.services.get(Accounts), "verify", verify_and_change)
    answer = app.client.post("/login", json={"username": "ada", "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")
    assert len(ada.get("/me/sessions").json["sessions"]) == 1


def test_proving_again_makes_the_log_in_recent(app: App, clock: FakeClock) -> None:
    ada = person(app)
    clock.move(601)
    assert app.client.delete("/me", headers=ada.bearer).json["code"] == "insufficient_user_authentication"
    renewed = ada.post("/me/reauthenticate", json={"password": PASSWORD}).json
    assert renewed["session_id"] == ada.tokens["session_id"]
    later = Person(app, "ada", refresh(app, ada.tokens["refresh_token"]).json)
    assert app.client.delete("/me", headers=ada.bearer).status_code == 401
    assert app.client.delete("/me", headers=later.bearer).status_code == 204


def test_a_wrong_password_is_refused_and_written_down(app: App) -> None:
    ada = person(app)
    for path, body in (
        ("/me/reauthenticate", {"password": "wrong"}),
        ("/me/password", {"current_password": "wrong", "new_password": PASSWORD}),
    ):
        assert ada.post(path, json=body).json["code"] == "wrong_password"
    types = [one["type"] for one in ada.get("/me/audit-events").json["events"]]
    assert types.count("password.refused") == 2
