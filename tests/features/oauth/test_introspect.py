"""What other services are told about tokens (RFC 7662)."""

from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from ostiary.app import run
from ostiary.core.access_tokens import SigningKey
from ostiary.features.clients.service import Clients
from tests.conftest import App, MakeApp, StartServer
from tests.support.clients import basic, new_client
from tests.support.people import PASSWORD, log_in, person, refresh
from tests.support.settings import settings_for

ISSUER = "http://127.0.0.1:8000"


def introspect_any(app: App, kind: str, token: str) -> dict[str, Any]:
    """Ask about a token of a kind that the client knows."""
    return introspect(app, token, token_type_hint=kind)


def introspect(app: App, token: str, **more: str) -> dict[str, Any]:
    answer = app.client.post("/oauth/introspect", data={"token": token, **more}, headers=new_client(app))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def test_an_active_access_token_is_told_about(app: App) -> None:
    ada = person(app, "Ada", ("admin",))
    token = ada.tokens["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    del claims["ver"]  # a number of the server's own
    told = introspect(app, token)
    assert told == {"active": True, "token_use": "access_token", "token_type": "Bearer", "username": "Ada"} | claims
    assert told["roles"] == ["admin"]
    assert (told["iss"], told["aud"], told["client_id"]) == (ISSUER, ISSUER, "ostiary")
    assert told["exp"] == told["iat"] + 900 == told["auth_time"] + 900
    assert told["sid"] == ada.tokens["session_id"]


def test_an_active_refresh_token_is_told_about_without_the_claims_of_an_access_token(app: App) -> None:
    ada = person(app)
    me = ada.get("/me").json
    now = int(app.clock.timestamp())
    assert introspect(app, ada.tokens["refresh_token"], token_type_hint="refresh_token") == {
        "active": True,
        "token_use": "refresh_token",
        "client_id": "ostiary",
        "username": "ada",
        "sub": me["id"],
        "sid": ada.tokens["session_id"],
        "iss": ISSUER,
        "iat": now,
        "exp": now + 14 * 86400,
    }


def test_asking_uses_nothing_up(app: App) -> None:
    ada = person(app)
    for _ in range(2):
        for kind in ("access_token", "refresh_token"):
            assert introspect_any(app, kind, ada.tokens[kind])["active"]
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 200
    assert ada.get("/protected").status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "", "pct", "\u00e9", "ACCESS_TOKEN"])
def test_a_refresh_token_is_active_only_for_its_own_hint_and_an_access_token_for_any(app: App, hint: str) -> None:
    """RFC 7662 section 4: a resource server that looks at `active` alone must not take a refresh token."""
    ada = person(app)
    assert introspect(app, ada.tokens["access_token"], token_type_hint=hint)["token_use"] == "access_token"
    told = introspect(app, ada.tokens["refresh_token"], token_type_hint=hint)
    assert told["active"] == (hint == "refresh_token")
    assert hint == "refresh_token" or told == {"active": False}


def test_a_refresh_token_without_a_hint_is_inactive(app: App) -> None:
    assert introspect(app, person(app).tokens["refresh_token"]) == {"active": False}


def test_claims_that_are_empty_are_in_neither_the_token_nor_the_answer(app: App) -> None:
    ada = person(app)
    claims = jwt.decode(ada.tokens["access_token"], options={"verify_signature": False})
    assert "roles" not in claims
    assert "roles" not in introspect(app, ada.tokens["access_token"])
    assert ada.get("/protected").status_code == 200


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "..", "x" * 16384, "\0", "\U0001f511", "osc_x", " "])
def test_nonsense_is_inactive_and_no_error(app: App, token: str) -> None:
    assert introspect(app, token) == {"active": False}


def test_a_foreign_or_altered_token_is_inactive(app: App) -> None:
    token = person(app).tokens["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    stranger = SigningKey.generate(header["kid"])
    for forged in (
        token[:-4] + "AAAA",
        f"{token} ",
        jwt.encode(claims, stranger.private_key, "ES256", {"typ": "at+jwt", "kid": header["kid"]}),
        jwt.encode(claims, None, "none", {"typ": "at+jwt", "kid": header["kid"]}),
    ):
        assert introspect(app, forged) == {"active": False}


def test_a_token_is_inactive_from_its_end_on(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, access_token_seconds=60, refresh_token_idle_seconds=120, session_seconds=3600)
    ada = person(app)
    for kind, seconds in (("access_token", 60), ("refresh_token", 60)):
        app.clock.move(seconds - 1)
        assert introspect_any(app, kind, ada.tokens[kind])["active"]
        app.clock.move(1)
        assert introspect_any(app, kind, ada.tokens[kind]) == {"active": False}


def test_a_refresh_token_is_inactive_once_it_is_used(app: App) -> None:
    ada = person(app)
    successor = refresh(app, ada.tokens["refresh_token"]).json["refresh_token"]
    assert introspect_any(app, "refresh_token", ada.tokens["refresh_token"]) == {"active": False}
    assert introspect_any(app, "refresh_token", successor)["active"]


def test_a_session_that_has_ended_leaves_no_active_token(app: App) -> None:
    ada = person(app)
    other = log_in(app, "ada")
    ada.post("/logout")
    for kind in ("access_token", "refresh_token"):
        assert introspect_any(app, kind, ada.tokens[kind]) == {"active": False}
        assert introspect_any(app, kind, other.tokens[kind])["active"]


def test_a_deleted_user_has_no_active_token(app: App) -> None:
    ada = person(app)
    assert app.client.delete("/me", headers=ada.bearer).status_code == 204
    for kind in ("access_token", "refresh_token"):
        assert introspect_any(app, kind, ada.tokens[kind]) == {"active": False}


def test_the_very_next_question_after_logging_out_is_answered_with_no_by_every_worker(
    start_server: StartServer, database_url: str, tmp_path: Path
) -> None:
    server = start_server(database_url, workers=2)
    settings = settings_for(database_url, tmp_path)
    client, secret = run(settings, lambda services: services.get(Clients).create("a service"))
    headers = basic(client.client_id, secret)
    body = {"username": "ada", "password": PASSWORD}

    def ask(kind: str, token: str) -> bool:
        # A connection of its own each time, so that either worker may get it.
        answer = httpx.post(
            f"{server.url}/oauth/introspect", data={"token": token, "token_type_hint": kind}, headers=headers
        )
        active: bool = answer.json()["active"]
        return active

    httpx.post(f"{server.url}/register", json=body)
    for _ in range(5):
        tokens = httpx.post(f"{server.url}/login", json=body).json()
        kinds = ("access_token", "refresh_token")
        assert all(ask(kind, tokens[kind]) for kind in kinds for _ in range(4))
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert httpx.post(f"{server.url}/logout", headers=bearer).status_code == 200
        assert not any(ask(kind, tokens[kind]) for _ in range(8) for kind in kinds)
