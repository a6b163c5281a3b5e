"""A proxy asks whether a request may pass, and who sends it."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from ostiary.feature import Context
from ostiary.features import FEATURES
from ostiary.features.accounts.service import Accounts
from ostiary.server.asgi import AsgiApp
from tests.conftest import App
from tests.support.asgi import call, lifespan
from tests.support.assembling import flask_of
from tests.support.people import PASSWORD, Person, make_role, person
from tests.support.settings import settings_for

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
PATHS = [
    "/authorize",
    "/authorize/",
    "/authorize//",
    "/authorize/some/path/",
    "/authorize/login",
    "/authorize/a%2Fb",
    "/authorize/%00%C3%A9%20",
    "/authorize/x//y",
]


def api_key(owner: Person, *scopes: str) -> dict[str, str]:
    made = owner.post("/me/api-keys", json={"name": "robot", "scopes": scopes})
    return {"Authorization": f"Bearer {made.json['api_key']}"}


def identity(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("X-Auth-")}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_any_method_at_any_path_tells_who_calls(sqlite_app: App, method: str, path: str) -> None:
    make_role(sqlite_app, "helpdesk", "users:read")
    make_role(sqlite_app, "Editor.2")
    caller = person(sqlite_app, "jürgen", ("helpdesk", "Editor.2"))
    answer = sqlite_app.client.open(path, method=method, headers=caller.bearer)
    assert (answer.status_code, answer.data) == (204, b"")
    assert identity(answer) == {
        "X-Auth-Subject": caller.get("/me").json["id"],
        "X-Auth-Roles": "Editor.2 helpdesk",
        "X-Auth-Scopes": "me:read me:write users:read",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_without_a_token_no_method_at_no_path_passes(sqlite_app: App, method: str, path: str) -> None:
    for authorization, code in (("", "authentication_required"), ("Bearer x.y.z", "invalid_token")):
        headers = {"Authorization": authorization} if authorization else {}
        answer = sqlite_app.client.open(path, method=method, headers=headers)
        assert answer.status_code == 401
        assert method == "HEAD" or answer.json["code"] == code
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="ostiary"')
        assert answer.headers["Cache-Control"] == "no-store"
        assert identity(answer) == {}


@pytest.mark.parametrize("path", ["/authorize/../me", "/authorize/.", "/authorize/a/..", "//authorize", "/authorized"])
def test_a_path_that_a_proxy_could_read_otherwise_does_not_pass(sqlite_app: App, path: str) -> None:
    answer = sqlite_app.client.get(path, headers=person(sqlite_app).bearer)
    assert (answer.status_code, identity(answer)) == (404, {})


def test_other_methods_do_not_pass(sqlite_app: App) -> None:
    for path in ("/authorize", "/authorize/x"):
        answer = sqlite_app.client.open(path, method="PROPFIND", headers=person(sqlite_app, path[-1] * 3).bearer)
        assert answer.status_code == 405
        assert set(answer.allow) == set(METHODS)


def test_an_api_key_has_scopes_and_no_roles(app: App) -> None:
    owner = person(app, "ada", ("admin",))
    answer = app.client.get("/authorize", headers=api_key(owner, "users:read", "me:read"))
    assert identity(answer) == {
        "X-Auth-Subject": owner.get("/me").json["id"],
        "X-Auth-Roles": "",
        "X-Auth-Scopes": "me:read users:read",
    }
    refused = app.client.get("/authorize?role=admin", headers=api_key(owner, "users:read"))
    assert (refused.status_code, refused.json["code"]) == (403, "insufficient_role")


QUERIES: list[tuple[str, int, dict[str, Any]]] = [
    ("scope=users:read", 204, {}),
    ("scope=users:read+me:read", 204, {}),
    ("role=helpdesk", 204, {}),
    ("scope=me:write&role=helpdesk", 204, {}),
    ("scope=roles:read", 403, {"code": "insufficient_scope", "required_scopes": ["roles:read"]}),
    ("scope=me:read%20roles:read", 403, {"code": "insufficient_scope", "required_scopes": ["me:read", "roles:read"]}),
    ("role=admin", 403, {"code": "insufficient_role", "required_roles": ["admin"], "held_roles": ["helpdesk"]}),
    ("role=helpdesk+admin", 403, {"code": "insufficient_role", "required_roles": ["admin"]}),
    ("role=Helpdesk", 403, {"code": "insufficient_role"}),
    ("scope=users:read&role=admin", 403, {"code": "insufficient_role"}),
    ("scope=users:raed", 422, {"code": "invalid_query"}),
    ("scope=", 422, {"code": "invalid_query"}),
    ("scope=me:read++me:write", 422, {"code": "invalid_query"}),
    ("scope=me:read&scope=roles:read", 422, {"code": "invalid_query"}),
    ("role=", 422, {"code": "invalid_query"}),
    ("role=%C3%A9", 422, {"code": "invalid_query"}),
    ("roles=admin", 422, {"code": "invalid_query"}),
]


@pytest.mark.parametrize(("query", "status", "told"), QUERIES)
def test_a_proxy_may_ask_for_scopes_and_roles(sqlite_app: App, query: str, status: int, told: dict[str, Any]) -> None:
    make_role(sqlite_app, "helpdesk", "users:read")
    caller = person(sqlite_app, "ada", ("helpdesk",))
    for method in ("GET", "POST", "OPTIONS"):
        answer = sqlite_app.client.open(f"/authorize?{query}", method=method, headers=caller.bearer)
        assert answer.status_code == status
        assert bool(identity(answer)) == (status == 204)
        if told:
            assert {name: answer.json[name] for name in told} == told


def test_a_refusal_names_the_scopes_in_its_challenge(sqlite_app: App) -> None:
    answer = sqlite_app.client.get("/authorize?scope=me:read+roles:read", headers=person(sqlite_app).bearer)
    expected = 'Bearer realm="ostiary", error="insufficient_scope", scope="me:read roles:read"'
    assert answer.headers["WWW-Authenticate"] == expected


def test_below_the_path_the_query_is_that_of_the_request(sqlite_app: App) -> None:
    """A proxy that asks with the path of a request asks with its query too: it is a client's, and says nothing."""
    caller = person(sqlite_app)
    for query in ("scope=openid", "role=admin", "next=%2F&next=%2F", "%ff"):
        assert sqlite_app.client.get(f"/authorize/oauth?{query}", headers=caller.bearer).status_code == 204


def test_a_session_that_has_ended_does_not_pass(app: App) -> None:
    caller = person(app)
    assert caller.get("/authorize").status_code == 204
    assert caller.post("/logout").status_code == 200
    assert caller.get("/authorize").status_code == 401


def test_a_known_token_costs_no_database(sqlite_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        settings = settings_for(sqlite_url, tmp_path)
        services = Context(settings, FEATURES)
        app = AsgiApp(flask_of(services), max_body=65536, start=services.start, stop=services.stop)
        async with lifespan(app):
            await services.get(Accounts).register("ada", PASSWORD, ())
            body = b'{"username": "ada", "password": "%b"}' % PASSWORD.encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            logged_in = await call(app, "/login", "POST", headers=headers, chunks=[body])
            assert logged_in is not None
            bearer = {"Authorization": f"Bearer {json.loads(logged_in.body)['access_token']}"}
            first = await call(app, "/authorize", headers=bearer)
            assert first is not None
            seen: list[str] = []
            for engine in {services.database._reader.sync_engine, services.database._writer.sync_engine}:
                event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
            for path in ("/authorize", "/authorize?scope=me:read", "/authorize/some/path"):
                answer = await call(app, path, headers=bearer)
                assert answer is not None
                assert answer.status == 204
            assert seen == []

    asyncio.run(scenario())
