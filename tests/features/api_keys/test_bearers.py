"""Whom an API key stands for: what it opens, and from when on it opens nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, update
from werkzeug.test import TestResponse

from ostiary.core.actor import Actor
from ostiary.core.problems import Problem
from ostiary.core.request_info import OPERATOR
from ostiary.features.accounts.models import UserRow
from ostiary.features.api_keys import bearers
from ostiary.features.api_keys.bearers import ApiKeyBearers
from ostiary.features.api_keys.models import ApiKeyRow
from ostiary.features.api_keys.service import ApiKeys
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.features.roles.service import assign
from ostiary.features.sessions.service import Sessions
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, MakeApp
from tests.core.test_api_keys import KEY
from tests.support.clock import FakeClock
from tests.support.people import Person, person
from tests.web.test_contract import OPERATIONS


def key_of(owner: Person, *scopes: str, days: int = 90) -> dict[str, Any]:
    answer = owner.post("/me/api-keys", json={"name": "robot", "scopes": scopes, "expires_in_days": days})
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def call(app: App, key: str, path: str = "/me", method: str = "GET", **kwargs: Any) -> TestResponse:
    return app.client.open(path, method=method, headers={"Authorization": f"Bearer {key}"}, **kwargs)


def code(answer: TestResponse) -> str:
    return str(answer.json["code"]) if answer.status_code >= 400 else ""


def disable(app: App, user_id: str, *, disabled: bool = True) -> None:
    """As an administrator does."""

    async def work(tx: RevokingTransaction) -> None:
        moment = app.clock.now() if disabled else None
        await tx.session.execute(update(UserRow).where(UserRow.id == user_id).values(disabled_at=moment))
        await tx.revoke_user(user_id)

    app.run(app.services.get(Revocations).write, work)


def set_roles(app: App, user_id: str, *roles: str) -> None:
    async def work(tx: RevokingTransaction) -> None:
        await assign(tx, user_id, roles)
        await tx.revoke_user(user_id)

    app.run(app.services.get(Revocations).write, work)


def user_id(owner: Person) -> str:
    return str(owner.get("/me").json["id"])


@contextmanager
def statements(app: App) -> Iterator[list[str]]:
    """What is sent to the database meanwhile, but for what the feed's own connection does."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = app.services.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_it_opens_what_its_scopes_allow(app: App) -> None:
    ada = person(app)
    reading, writing, nothing = (key_of(ada, *scopes)["api_key"] for scopes in (["me:read"], ["me:write"], []))
    assert call(app, reading).json == ada.get("/me").json
    assert call(app, reading, "/me/api-keys").status_code == 200
    for key in (reading, writing, nothing):
        assert call(app, key, "/protected").status_code == 200
    for key, held in ((writing, ["me:write"]), (nothing, [])):
        refused = call(app, key)
        assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
        assert (refused.json["required_scopes"], refused.json["held_scopes"]) == (["me:read"], held)
    assert code(call(app, reading, "/me/sessions", "DELETE")) == "insufficient_scope"
    assert call(app, writing, "/me/sessions", "DELETE").json == {"ended_sessions": 1}
    assert code(call(app, reading, "/protected/admin")) == "insufficient_user_authentication"


def test_it_is_accepted_exactly_where_the_contract_says_so(app: App) -> None:
    key = key_of(person(app, roles=("admin",)), "me:read", "me:write")["api_key"]
    persons = 0
    for path, method, operation in OPERATIONS.values():
        schemes = {scheme for one in operation["security"] for scheme in one}
        if schemes == {"bearerAuth"}:
            persons += 1
            refused = call(app, key, path, method.upper(), json={})
            assert (refused.status_code, code(refused)) == (401, "insufficient_user_authentication"), path
            assert "insufficient_user_authentication" in refused.headers["WWW-Authenticate"]
        elif schemes == {"bearerAuth", "apiKeyAuth"}:
            answer = call(app, key, path, method.upper(), **({"json": {}} if "requestBody" in operation else {}))
            assert answer.status_code != 401, path
        elif schemes:  # of another kind, such as those of services
            assert call(app, key, path, method.upper()).status_code in (401, 415), path
    assert persons >= 4


@pytest.mark.parametrize("token", [KEY, KEY[:-1] + "x", "ost_", "ost_x.y.z", "ost_" + "é" * 49, "OST_" + KEY[4:]])
def test_no_other_key_is_accepted(app: App, token: str) -> None:
    refused = app.client.get("/protected", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, code(refused)) == (401, "invalid_token")


def test_a_mistyped_one_is_refused_without_a_look_at_the_database(app: App) -> None:
    key = key_of(person(app), "me:read")["api_key"]
    with statements(app) as sent:
        for mistyped in (key[:-1], key + "x", key.swapcase(), key[:10] + "_" + key[11:] if key[10] != "_" else key[1:]):
            assert code(call(app, mistyped, "/protected")) == "invalid_token"
    assert sent == []


def test_a_busy_client_costs_no_look_at_the_database(app: App) -> None:
    key = key_of(person(app), "me:read")["api_key"]
    with statements(app) as sent:
        assert call(app, key, "/protected").status_code == 200
        assert len(sent) == 1
        for _ in range(20):
            assert call(app, key, "/protected").status_code == 200
    assert len(sent) == 1


def test_a_strict_server_asks_the_database_each_time(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, revocation_strict=True)
    ada = person(app)
    made = key_of(ada, "me:read")
    assert [call(app, made["api_key"]).status_code for _ in range(3)] == [200] * 3

    async def revoke_unsaid(tx: Transaction) -> None:
        await RevokingTransaction(tx, app.services.get(Revocations)._writer).revoke_api_key(made["id"])
        await tx.session.delete(await tx.session.get_one(ApiKeyRow, made["id"]))

    app.run(app.services.database.write, revoke_unsaid)
    assert code(call(app, made["api_key"])) == "invalid_token"


def test_a_revoked_one_is_refused_by_every_application(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    ada = person(one)
    made, kept = key_of(ada, "me:write"), key_of(ada, "me:read")
    for app in (one, other):
        assert call(app, made["api_key"], "/protected").status_code == 200
    assert call(one, made["api_key"], f"/me/api-keys/{made['id']}", "DELETE").status_code == 204
    for app in (one, other):
        assert code(call(app, made["api_key"], "/protected")) == "invalid_token"
        assert call(app, kept["api_key"], "/protected").status_code == 200


def test_it_ends_by_the_clock(app: App, clock: FakeClock) -> None:
    key = key_of(person(app), "me:read", days=1)["api_key"]
    clock.move(86399)
    assert call(app, key).status_code == 200
    clock.move(1)
    assert code(call(app, key)) == "invalid_token"
    assert code(call(app, key)) == "invalid_token"


def test_a_disabled_owner_is_refused_until_enabled(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    ada = person(one)
    key, owner = key_of(ada, "me:read")["api_key"], user_id(ada)
    for disabled in (False, True, True, False):
        disable(one, owner, disabled=disabled)
        for app in (one, other):
            assert code(call(app, key)) == ("invalid_token" if disabled else "")


def test_who_is_disabled_makes_none(app: App) -> None:
    ada = person(app)
    bearer = app.run(app.services.get(Sessions).authenticate, ada.tokens["access_token"])
    disable(app, bearer.user_id)
    with pytest.raises(Problem, match="invalid_token"):
        app.run(app.services.get(ApiKeys).create, Actor(bearer, lambda _: None), "late", ["me:read"], 1, OPERATOR)


def test_a_deleted_owner_is_refused(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    ada = person(one)
    key = key_of(ada, "me:read")["api_key"]
    for app in (one, other):
        assert call(app, key).status_code == 200
    assert one.client.delete("/me", headers=ada.bearer).status_code == 204
    for app in (one, other):
        assert code(call(app, key)) == "invalid_token"


def test_roles_count_as_they_are_now(make_app: MakeApp, database_url: str) -> None:
    """What the owner loses, the key loses; what they get back, it has again; more than it was made for, never."""
    one, other = make_app(database_url), make_app(database_url)
    boss = person(one, "boss", ("admin",))
    key, owner = key_of(boss, "me:read", "users:read")["api_key"], user_id(boss)
    person(one, "second", ("admin",))
    for roles, scopes in (
        (["admin"], ["me:read", "users:read"]),
        ([], ["me:read"]),
        (["admin"], ["me:read", "users:read"]),
    ):
        set_roles(one, owner, *roles)
        for app in (one, other):
            assert call(app, key, "/users").status_code == (200 if roles else 403)
            assert call(app, key, "/protected/admin").json["code"] == "insufficient_user_authentication"
            bearer = app.run(app.services.get(ApiKeyBearers).authenticate, key)
            assert (sorted(bearer.roles), sorted(bearer.scopes)) == ([], scopes)


def test_nothing_is_remembered_for_longer_than_the_feed(make_app: MakeApp, database_url: str, clock: FakeClock) -> None:
    """A key that rests while its owner is disabled, and for so long that the feed has forgotten it, is looked up."""
    one, other = make_app(database_url), make_app(database_url)
    ada = person(one)
    key, owner = key_of(ada, "me:read")["api_key"], user_id(ada)
    assert call(other, key).status_code == 200
    clock.move(1)
    disable(one, owner)
    clock.move(2000)
    person(one, "bob")  # so that both read on, and forget what has expired
    disable(one, user_id(person(one, "carol")))
    assert code(call(other, key)) == "invalid_token"


def test_it_has_no_log_in(app: App) -> None:
    made = key_of(person(app), "me:read")
    bearer = app.run(app.services.get(ApiKeyBearers).authenticate, made["api_key"])
    assert (bearer.acr, bearer.auth_time, bearer.session_id, bearer.kid) == (None, None, None, None)
    assert bearer.api_key_id == made["id"]
    assert bearer.expires_at.isoformat() == made["expires_at"]


def test_no_more_are_remembered_than_set(make_app: MakeApp, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearers, "REMEMBERED_KEYS", 2)
    sqlite_app = make_app(sqlite_url)
    ada = person(sqlite_app)
    keys = [key_of(ada, "me:read")["api_key"] for _ in range(4)]
    for key in keys * 2:
        assert call(sqlite_app, key).status_code == 200
    assert len(sqlite_app.services.get(ApiKeyBearers)._cache) == 2
