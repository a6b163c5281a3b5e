"""Making, listing and revoking API keys."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from ostiary.core.actor import Actor
from ostiary.core.api_keys import PATTERN
from ostiary.core.problems import Problem
from ostiary.core.request_info import OPERATOR
from ostiary.core.sealing import digest
from ostiary.features.accounts.service import Accounts
from ostiary.features.api_keys.models import ApiKeyRow
from ostiary.features.api_keys.service import ApiKeys
from ostiary.features.audit.models import AuditEventRow
from ostiary.features.sessions.service import Sessions
from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import Person, log_in, person

UNKNOWN = "0199f6a2-8c21-7d43-b6f0-3e5a9c7d1e22"


def create(owner: Person, **members: Any) -> TestResponse:
    return owner.post("/me/api-keys", json={"name": "nightly report", "scopes": ["me:read"], **members})


def listed(owner: Person) -> list[dict[str, Any]]:
    return owner.get("/me/api-keys").json["api_keys"]


def revoke(owner: Person, api_key_id: str) -> TestResponse:
    return owner.app.client.delete(f"/me/api-keys/{api_key_id}", headers=owner.bearer)


def rows(app: App, *columns: Any) -> list[Any]:
    async def read() -> list[Any]:
        async with app.services.database.read() as session:
            return [tuple(row) for row in await session.execute(select(*columns))]

    return app.run(read)


def test_it_is_shown_once_and_kept_as_a_digest(app: App) -> None:
    ada = person(app)
    answer = create(ada)
    assert answer.status_code == 201
    made = dict(answer.json)
    key = made.pop("api_key")
    assert re.fullmatch(PATTERN, key)
    assert made["hint"] == key[:8]
    assert answer.headers["Location"] == f"/me/api-keys/{made['id']}"
    assert listed(ada) == [made]
    assert rows(app, ApiKeyRow.digest) == [(digest(key),)]
    assert key not in str(rows(app, *ApiKeyRow.__table__.columns))
    assert app.client.delete(answer.headers["Location"], headers=ada.bearer).status_code == 204


def test_it_lives_as_long_as_asked_for(app: App, clock: FakeClock) -> None:
    ada = person(app)
    create(ada, name="default")
    create(ada, name="short", expires_in_days=1)
    create(ada, name="long", expires_in_days=365)
    days = [(clock.now() + timedelta(days=days)).isoformat() for days in (365, 1, 90)]
    assert [one["expires_at"] for one in listed(ada)] == days
    for bad in (0, 366, 1.5, "1", True, None):
        answer = create(ada, expires_in_days=bad)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/expires_in_days")


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "a\n", "\0", "\u2028", "\x85", 1, None])
def test_a_bad_name_is_refused(sqlite_app: App, name: Any) -> None:
    answer = create(person(sqlite_app), name=name)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/name")


@pytest.mark.parametrize("name", [" ", "x" * 100, "Ünïcode 🔑", "'; DROP TABLE api_keys --"])
def test_other_names_are_kept_as_they_are(app: App, name: str) -> None:
    ada = person(app)
    assert create(ada, name=name).status_code == 201
    assert listed(ada)[0]["name"] == name


def test_scopes_are_those_of_the_owner_now(app: App) -> None:
    ada = person(app)
    refused = create(ada, scopes=["users:read", "me:write", "audit:read"])
    assert (refused.status_code, refused.json["code"]) == (403, "scope_not_held")
    assert refused.json["missing_scopes"] == ["audit:read", "users:read"]
    assert create(ada, scopes=["me:write", "me:read", "me:write"]).json["scopes"] == ["me:read", "me:write"]
    assert create(ada, scopes=[]).json["scopes"] == []
    assert create(ada, scopes=["nonsense"]).status_code == 422
    boss = person(app, "boss", ("admin",))
    assert create(boss, scopes=["users:read"]).status_code == 201


def test_the_log_in_must_be_recent(app: App, clock: FakeClock) -> None:
    ada = person(app)
    clock.move(601)
    assert create(ada).json["code"] == "insufficient_user_authentication"
    assert listed(ada) == []


def test_one_user_has_100_at_most(app: App) -> None:
    ada, bob = person(app), person(app, "bob")
    for number in range(100):
        assert create(ada, name=str(number)).status_code == 201
    refused = create(ada)
    assert (refused.status_code, refused.json["code"], refused.json["limit"]) == (409, "too_many_api_keys", 100)
    assert [one["name"] for one in listed(ada)] == [str(number) for number in reversed(range(100))]
    assert create(bob).status_code == 201
    assert revoke(ada, listed(ada)[0]["id"]).status_code == 204
    assert create(ada).status_code == 201


def test_two_at_once_do_not_both_become_the_last(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.features.api_keys.service.MAX_KEYS", 1)
    ada = person(app)
    principal = app.run(app.services.get(Sessions).authenticate, ada.tokens["access_token"])

    async def race() -> list[Any]:
        actor = Actor(principal, lambda _: None)
        create_one = app.services.get(ApiKeys).create
        calls = [create_one(actor, str(number), ["me:read"], 1, OPERATOR) for number in range(6)]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = app.run(race)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert [problem.kind.code for problem in refused] == ["too_many_api_keys"] * 5
    assert len(listed(ada)) == 1


def test_only_ones_own_are_seen_and_revoked(app: App) -> None:
    ada, bob = person(app), person(app, "bob")
    made = create(ada).json
    assert listed(bob) == []
    for unknown in (made["id"], UNKNOWN, made["id"].upper(), "nonsense", "%00", "%F0%9F%94%91", "x" * 2000):
        answer = revoke(bob, unknown)
        assert (answer.status_code, answer.json["code"]) == (404, "api_key_not_found"), unknown
    assert revoke(ada, made["id"]).status_code == 204
    assert revoke(ada, made["id"]).status_code == 404
    assert listed(ada) == []


def test_what_happens_is_in_the_audit_trail(app: App) -> None:
    ada = person(app)
    made = create(ada).json
    create(ada, scopes=["users:read"])
    revoke(ada, made["id"])
    revoke(ada, made["id"])
    told = [row for row in rows(app, AuditEventRow.type, AuditEventRow.details) if row[0].startswith("api_key.")]
    assert [kind for kind, _ in told] == ["api_key.created", "api_key.revoked"]
    for _, details in told:
        assert made["id"] in details
        assert made["api_key"][8:] not in details


def test_a_user_who_is_deleted_leaves_no_keys(app: App) -> None:
    ada = person(app)
    create(ada)
    assert app.client.delete("/me", headers=ada.bearer).status_code == 204
    assert rows(app, ApiKeyRow.id) == []


def test_who_was_deleted_meanwhile_makes_none(app: App) -> None:
    """The access token was accepted a moment before."""
    ada = person(app)
    principal = app.run(app.services.get(Sessions).authenticate, ada.tokens["access_token"])
    app.run(app.services.get(Accounts).delete_as_operator, principal.user_id)
    with pytest.raises(Problem, match="invalid_token"):
        app.run(app.services.get(ApiKeys).create, Actor(principal, lambda _: None), "late", ["me:read"], 1, OPERATOR)
    assert rows(app, ApiKeyRow.id) == []


def test_the_last_use_is_told(make_app: MakeApp, database_url: str, clock: FakeClock) -> None:
    app = make_app(database_url)
    ada = person(app)
    key = create(ada).json["api_key"]
    assert listed(ada)[0]["last_used_at"] is None
    clock.move(5)
    assert app.client.get("/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert listed(ada)[0]["last_used_at"] == clock.now().isoformat()
    clock.move(5)
    app.client.get("/me", headers={"Authorization": f"Bearer {key}"})
    app.run(app.services.stop)  # an orderly end writes what was noted
    assert listed(log_in(make_app(database_url)))[0]["last_used_at"] == clock.now().isoformat()


def test_a_lost_answer_can_be_asked_for_again(app: App) -> None:
    """It is the one place where a key is kept as it is: sealed under the idempotency key, which the database lacks."""
    ada = person(app)
    headers = {**ada.bearer, "Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    body = {"name": "nightly report", "scopes": ["me:read"]}
    first, again = (app.client.post("/me/api-keys", json=body, headers=headers) for _ in range(2))
    assert (again.status_code, again.data, again.headers["Location"]) == (201, first.data, first.headers["Location"])
    assert len(listed(ada)) == 1
    assert app.client.get("/me", headers={"Authorization": f"Bearer {again.json['api_key']}"}).status_code == 200


def test_another_user_gets_a_key_of_their_own_under_the_same_idempotency_key(app: App) -> None:
    made = [
        app.client.post(
            "/me/api-keys",
            json={"name": "robot", "scopes": ["me:read"]},
            headers={**person(app, name).bearer, "Idempotency-Key": "the-same"},
        )
        for name in ("ada", "bob")
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json["id"] != made[1].json["id"]
