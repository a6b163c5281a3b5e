"""What other services end (RFC 7009)."""

import pytest
from werkzeug.test import TestResponse

from ostiary.features.clients.service import Clients
from tests.conftest import App, MakeApp
from tests.support.clients import new_client
from tests.support.people import Person, log_in, person, refresh
from tests.support.trail import events, told


def revoke(app: App, token: str, **more: str) -> TestResponse:
    answer = app.client.post("/oauth/revoke", data={"token": token, **more}, headers=new_client(app))
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Type" not in answer.headers
    return answer


def is_over(somebody: Person) -> bool:
    bearer = somebody.get("/protected").status_code
    pair = refresh(somebody.app, somebody.tokens["refresh_token"]).status_code
    assert (bearer, pair) in ((200, 200), (401, 401))
    return bearer == 401


@pytest.mark.parametrize("hint", ["", "access_token", "refresh_token", "pct"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revoked_token_ends_its_session_and_no_other(app: App, kind: str, hint: str) -> None:
    ada = person(app)
    other = log_in(app, "ada")
    revoke(app, ada.tokens[kind], token_type_hint=hint)
    assert is_over(ada)
    assert not is_over(other)
    revoke(app, ada.tokens[kind], token_type_hint=hint)


def test_a_used_refresh_token_stands_for_its_session(app: App) -> None:
    ada = person(app)
    successor = Person(app, "ada", refresh(app, ada.tokens["refresh_token"]).json)
    revoke(app, ada.tokens["refresh_token"])
    assert is_over(successor)


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "..", "x" * 16384, "\0", "\U0001f511"])
def test_a_token_that_is_worth_nothing_gets_the_same_answer(app: App, token: str) -> None:
    revoke(app, token)


def test_an_expired_access_token_ends_nothing(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, access_token_seconds=60)
    ada = person(app)
    app.clock.move(60)
    revoke(app, ada.tokens["access_token"])
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 200


def test_an_expired_refresh_token_ends_nothing(make_app: MakeApp, database_url: str) -> None:
    """Whether its row is still kept or not: it is deleted some time after."""
    app = make_app(database_url, refresh_token_idle_seconds=60)
    ada = person(app)
    app.clock.move(30)
    successor = refresh(app, ada.tokens["refresh_token"]).json["refresh_token"]
    app.clock.move(30)
    revoke(app, ada.tokens["refresh_token"])
    assert refresh(app, successor).status_code == 200


def test_an_altered_access_token_ends_nothing(app: App) -> None:
    ada = person(app)
    revoke(app, ada.tokens["access_token"][:-4] + "AAAA")
    assert not is_over(ada)


def test_an_api_key_is_refused_and_stays(app: App) -> None:
    """An answer 200 would say that it is worth nothing now (RFC 7009 section 2.2)."""
    made = person(app).post("/me/api-keys", json={"name": "robot", "scopes": ["me:read"]})
    key = made.json["api_key"]
    answer = app.client.post("/oauth/revoke", data={"token": key}, headers=new_client(app))
    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_token_type")
    assert app.client.get("/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_a_user_cannot_revoke_with_their_own_token(app: App) -> None:
    ada = person(app)
    answer = ada.post("/oauth/revoke", data={"token": ada.tokens["access_token"]})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_client")
    assert not is_over(ada)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_client_that_may_only_ask_ends_nothing(app: App, kind: str) -> None:
    ada = person(app)
    asking = new_client(app, may_revoke=False)
    answer = app.client.post("/oauth/revoke", data={"token": ada.tokens[kind]}, headers=asking)
    assert (answer.status_code, answer.json["code"], answer.json["error"]) == (400, *["unauthorized_client"] * 2)
    assert "WWW-Authenticate" not in answer.headers
    asked = app.client.post(
        "/oauth/introspect", data={"token": ada.tokens[kind], "token_type_hint": kind}, headers=asking
    )
    assert asked.json["active"] is True
    assert not is_over(ada)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_the_trail_says_which_client_revoked_a_token_and_not_that_the_user_did(app: App, kind: str) -> None:
    boss, ada, grace = person(app, "boss", ("admin",)), person(app), person(app, "grace")
    credentials = new_client(app)
    (client,) = app.run(app.services.get(Clients).known)
    for _ in range(2):  # what has ended already does not end again
        answer = app.client.post("/oauth/revoke", data={"token": ada.tokens[kind]}, headers=credentials)
        assert answer.status_code == 200
    session_id = ada.tokens["session_id"]
    ended = {"session_ids": [session_id], "reason": "revoked"}
    revoked = {"session_id": session_id, "client_id": client.client_id}
    assert told(app, "token") == [("token.revoked", revoked)]
    assert told(app, "session")[-1] == ("session.ended", ended)
    user_id = log_in(app).get("/me").json["id"]
    for event in (*events(app, "token"), events(app, "session")[-2]):
        assert (event.user_id, event.actor_id, event.ip) == (user_id, None, "127.0.0.1")
    (seen,) = boss.get("/audit-events?type=token.revoked").json["events"]
    assert (seen["details"], seen["actor_id"]) == (revoked, None)
    assert seen in log_in(app).get("/me/audit-events").json["events"]
    assert "token.revoked" not in grace.get("/me/audit-events").text


def test_a_token_that_is_worth_nothing_leaves_no_trace(app: App) -> None:
    ada = person(app)
    assert ada.post("/logout").status_code == 200
    for token in (*(ada.tokens[kind] for kind in ("access_token", "refresh_token")), "nonsense"):
        revoke(app, token)
    assert told(app, "token") == []
    assert [kind for kind, _ in told(app, "session")] == ["session.started", "session.ended"]


def test_a_user_who_logs_out_does_so_themselves(app: App) -> None:
    ada = person(app)
    assert ada.post("/logout").status_code == 200
    assert told(app, "token") == []
    last = events(app, "session")[-1]
    assert (last.type, last.actor_id) == ("session.ended", last.user_id)
    assert last.user_id
