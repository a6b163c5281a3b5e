"""Each documented status, and each code within it, is reached: the contract is the list of what there is to reach."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from ostiary.core.hash_pool import HashPool
from ostiary.core.idempotency import Asked
from ostiary.features.accounts.models import UserRow
from ostiary.features.idempotency.service import Idempotency
from ostiary.persistence.transaction import Transaction
from ostiary.web.problem_format import documented_problems
from tests.conftest import App, MakeApp
from tests.support.clients import FORM, basic, new_client
from tests.support.people import PASSWORD, Person, log_in, make_role, person, register
from tests.web.test_contract import DOCUMENT, OPERATIONS

pytestmark = pytest.mark.uncounted  # the code that it reaches is that of the tests of each feature

UNREACHABLE = "sqlite+aiosqlite:////there/is/no/such/directory/ostiary.db"

JSON = "application/json"
PATHS = {
    "getDocsAsset": {"asset": "swagger-ui.css"},
    "getProblem": {"code": "invalid_token"},
    "endMySession": {"session_id": "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55"},
    "revokeMyApiKey": {"api_key_id": "0199f6a2-8c21-7d43-b6f0-3e5a9c7d1e22"},
    **{
        key: {"user_id": "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44"}
        for key in ("getUser", "updateUser", "deleteUser", "endUserSessions", "setUserRoles")
    },
    **{key: {"role_name": "helpdesk"} for key in ("getRole", "updateRole", "deleteRole")},
}
ROLE = {"name": "helpdesk", "description": "Helps.", "permissions": ["users:read"]}
BODIES: dict[str, dict[str, Any]] = {
    "createMyApiKey": {"name": "robot", "scopes": ["me:read"]},
    "changeMyPassword": {"current_password": PASSWORD, "new_password": f"{PASSWORD} two"},
    "reauthenticate": {"password": PASSWORD},
    "updateUser": {"username": "grace"},
    "updateMe": {"username": "grace"},
    "setUserRoles": {"roles": []},
    "createRole": ROLE,
    "updateRole": {"permissions": []},
}
"""Bodies that are good whatever there is."""


@dataclass
class Scene:
    """One operation, on an application of choice."""

    name: str
    app: App
    make_app: MakeApp

    def call(self, app: App | None = None, parameters: dict[str, str] | None = None, **kwargs: Any) -> TestResponse:
        path, method, operation = OPERATIONS[self.name]
        if "requestBody" in operation and not {"data", "json"} & kwargs.keys():
            kwargs["data" if self.is_form else "json"] = self.good_body()
        if self.is_for_clients and "headers" not in kwargs:
            kwargs["headers"] = new_client(self.app)
        if self.needs_version:
            headers = {"If-Match": "*", **kwargs.get("headers", {})}
            kwargs["headers"] = {name: value for name, value in headers.items() if value is not None}
        path = path.format(**{**PATHS.get(self.name, {}), **(parameters or {})})
        return (app or self.app).client.open(path, method=method.upper(), **kwargs)

    @property
    def needs_version(self) -> bool:
        return "428" in OPERATIONS[self.name][2]["responses"]

    @property
    def is_of_oauth(self) -> bool:
        return OPERATIONS[self.name][0].startswith("/oauth/")

    @property
    def is_form(self) -> bool:
        return FORM in OPERATIONS[self.name][2].get("requestBody", {}).get("content", {})

    @property
    def is_for_clients(self) -> bool:
        return OPERATIONS[self.name][2]["security"] == [{"clientAuth": []}]

    def good_body(self) -> dict[str, Any]:
        if self.name in BODIES:
            return BODIES[self.name]
        if self.is_form:
            return {"token": person(self.app, "bearer").tokens["access_token"]}
        if self.name == "refresh":
            return {"refresh_token": person(self.app, "refresher").tokens["refresh_token"]}
        if self.name == "login":
            register(self.app, "ada")
        return {"username": "ada", "password": PASSWORD}

    def body_and_caller(self, app: App) -> dict[str, Any]:
        """A body for `app`, and who sends it if somebody must."""
        guarded = bool(OPERATIONS[self.name][2]["security"])
        headers = person(app, "caller", ("admin",)).bearer if guarded else {}
        body = self.good_body() if guarded else {"username": "grace", "password": PASSWORD}
        return {"json": body, "headers": headers}

    def caller(self) -> dict[str, Any]:
        """Who sends it if somebody must: an administrator."""
        guarded = OPERATIONS[self.name][2]["security"] and not self.is_for_clients
        return self.authenticated(("admin",)) if guarded else {}

    def authenticated(self, roles: tuple[str, ...] = ()) -> dict[str, Any]:
        return {"headers": person(self.app, "caller", roles).bearer}

    def call_on_something(self, **headers: str | None) -> TestResponse:
        """Call it as an administrator, on a user or a role that is there. None leaves a header out."""
        caller = {"headers": {**person(self.app, "caller", ("admin",)).bearer, **headers}}
        if "{user_id}" in OPERATIONS[self.name][0]:
            return self.call(**caller, parameters={"user_id": id_of(person(self.app, "somebody"))})
        make_role(self.app, "helpdesk", "users:read")
        return self.call(**caller)

    def as_limited(self) -> dict[str, Any]:
        """Somebody who may call the operations of administration and has no other permission."""
        make_role(self.app, "limited", "users:read", "users:write", "roles:read", "roles:write")
        return self.authenticated(("limited",))


def id_of(someone: Person) -> str:
    found: str = someone.get("/me").json["id"]
    return found


def success(scene: Scene) -> TestResponse:
    guarded = bool(OPERATIONS[scene.name][2]["security"]) and not scene.is_for_clients
    if scene.name == "endMySession":
        caller = person(scene.app, "caller")
        return scene.call(headers=caller.bearer, parameters={"session_id": caller.tokens["session_id"]})
    if scene.name == "revokeMyApiKey":
        caller = person(scene.app, "caller")
        made = caller.post("/me/api-keys", json={"name": "robot", "scopes": ["me:read"]})
        return scene.call(headers=caller.bearer, parameters={"api_key_id": made.json["id"]})
    if scene.name in PATHS and PATHS[scene.name].keys() & {"user_id", "role_name"}:
        return scene.call_on_something()
    roles = () if scene.name == "deleteMe" else ("admin",)  # the last administrator may not
    return scene.call(**scene.authenticated(roles) if guarded else {})


def not_modified(scene: Scene) -> TestResponse:
    if scene.name in ("getUser", "getRole"):
        return scene.call_on_something(**{"If-None-Match": "*"})
    known = success(scene).headers["ETag"]
    if scene.name == "getMe":
        return scene.call(headers={**log_in(scene.app, "caller").bearer, "If-None-Match": known})
    return scene.call(headers={"If-None-Match": known})


def unreachable_database(scene: Scene) -> TestResponse:
    app = scene.make_app(UNREACHABLE)
    bodies = {**BODIES, "refresh": {"refresh_token": "x" * 43}}
    bodies |= {name: {"username": "ada", "password": PASSWORD} for name in ("register", "login", "createUser")}
    if scene.is_for_clients:
        return scene.call(app, headers=basic("an id", "a secret"), data={"token": "x"})
    body = {"json": bodies[scene.name]} if scene.name in bodies else {}
    return scene.call(app, headers={"Authorization": "Bearer x.y.z"}, **body)


def full_queue(scene: Scene) -> TestResponse:
    app = scene.make_app(scene.app.settings.database_url, hash_threads=1, hash_queue=1)
    release = threading.Event()
    pool = app.services.get(HashPool)

    async def fill() -> list[Any]:
        waiting = [asyncio.ensure_future(pool.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        return waiting

    kwargs = scene.body_and_caller(app)
    waiting = app.run(fill)
    try:
        return scene.call(app, **kwargs)
    finally:
        release.set()

        async def empty() -> None:
            for call in waiting:
                await call

        app.run(empty)


def key(owner: Person, *scopes: str) -> dict[str, Any]:
    """An API key, sent."""
    made = owner.post("/me/api-keys", json={"name": "robot", "scopes": scopes})
    return {"headers": {"Authorization": f"Bearer {made.json['api_key']}"}}


def key_without_scopes(scene: Scene) -> TestResponse:
    return scene.call(**asking(scene, scope="users:read"), **key(person(scene.app, "caller")))


def asking(scene: Scene, **needed: str) -> dict[str, Any]:
    """The query of a proxy that asks for a scope or a role; other operations need theirs anyway."""
    return {"query_string": needed} if OPERATIONS[scene.name][0] == "/authorize" else {}


def no_recent_login(scene: Scene) -> TestResponse:
    app = scene.make_app(scene.app.settings.database_url, fresh_login_seconds=60)
    caller = person(app, "caller")
    if scene.name in ("deleteMe", "createMyApiKey"):
        app.clock.move(61)
        return scene.call(app, headers=caller.bearer)
    # Who has a session has logged in; who has not is a program with an API key.
    return scene.call(app, **key(caller, "me:read", "me:write"))


def too_many_api_keys(scene: Scene) -> TestResponse:
    caller = scene.authenticated()
    for _ in range(100):
        assert scene.call(**caller).status_code == 201
    return scene.call(**caller)


def disabled(scene: Scene) -> TestResponse:
    register(scene.app, "ada")

    async def disable(tx: Transaction) -> None:
        await tx.session.execute(update(UserRow).values(disabled_at=scene.app.clock.now()))

    scene.app.run(scene.app.services.database.write, disable)
    return scene.call(json={"username": "ada", "password": PASSWORD})


def wrong_password(scene: Scene) -> TestResponse:
    body = {"current_password": "wrong", "new_password": PASSWORD, "password": "wrong"}
    wanted = OPERATIONS[scene.name][2]["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
    members = DOCUMENT["components"]["schemas"][wanted]["properties"]
    return scene.call(json={name: body[name] for name in members}, **scene.authenticated())


def last_administrator(scene: Scene) -> TestResponse:
    caller = person(scene.app, "caller", ("admin",))
    body = {"updateUser": {"disabled": True}, "setUserRoles": {"roles": []}}.get(scene.name)
    kwargs = {} if body is None else {"json": body}
    return scene.call(headers=caller.bearer, parameters={"user_id": id_of(caller)}, **kwargs)


def taken(scene: Scene) -> TestResponse:
    register(scene.app, "ADA")
    register(scene.app, "GRACE")
    if "{user_id}" in OPERATIONS[scene.name][0]:
        return scene.call_on_something()
    return scene.call(**scene.caller())


def email_taken(scene: Scene) -> TestResponse:
    caller = person(scene.app, "caller", ("admin",))
    body = {"username": "grace", "password": PASSWORD, "email": "grace@example.org"}
    made = scene.app.client.post("/users", headers=caller.bearer, json=body)
    assert made.status_code == 201
    if scene.name == "createUser":
        return scene.call(headers=caller.bearer, json={**body, "username": "ada"})
    address = {"email": "GRACE@example.org"}
    return scene.call(headers=caller.bearer, parameters={"user_id": id_of(caller)}, json=address)


def unknown_role(scene: Scene) -> TestResponse:
    caller = person(scene.app, "caller", ("admin",))
    body = {"roles": ["admin", "nonsense"]}
    if scene.name == "createUser":
        body |= {"username": "ada", "password": PASSWORD}
    return scene.call(headers=caller.bearer, parameters={"user_id": id_of(caller)}, json=body)


def stale(scene: Scene) -> TestResponse:
    if scene.name == "updateMe":
        return scene.call(headers={**person(scene.app, "caller").bearer, "If-Match": '"other"'})
    return scene.call_on_something(**{"If-Match": '"other"'})


def beyond_own_permissions(scene: Scene) -> TestResponse:
    if scene.name == "createRole":
        return scene.call(json={**ROLE, "permissions": ["audit:read"]}, **scene.as_limited())
    if scene.name == "createUser":
        body = {"username": "ada", "password": PASSWORD, "roles": ["admin"]}
        return scene.call(json=body, **scene.as_limited())
    make_role(scene.app, "helpdesk", "audit:read")
    root = id_of(person(scene.app, "root", ("admin",)))
    parameters = {"user_id": root} if "{user_id}" in OPERATIONS[scene.name][0] else {}
    return scene.call(parameters=parameters, **scene.as_limited())


def common_password(scene: Scene) -> TestResponse:
    production = scene.make_app(
        scene.app.settings.database_url, profile="production", issuer="https://auth.example.org"
    )
    kwargs = scene.body_and_caller(production)
    for name in kwargs["json"].keys() & {"password", "new_password"}:
        kwargs["json"][name] = "password123"
    return scene.call(production, **kwargs)


def role_taken(scene: Scene) -> TestResponse:
    make_role(scene.app, "helpdesk")
    return scene.call(**scene.caller())


def revoked_api_key(scene: Scene) -> TestResponse:
    owner = person(scene.app, "owner")
    made = owner.post("/me/api-keys", json={"name": "robot", "scopes": ["me:read"]})
    return scene.call(data={"token": made.json["api_key"]})


def key_malformed(scene: Scene) -> TestResponse:
    return scene.call(headers={**scene.caller().get("headers", {}), "Idempotency-Key": "two words"})


def key_reused(scene: Scene) -> TestResponse:
    headers = {**scene.caller().get("headers", {}), "Idempotency-Key": "the-same"}
    assert scene.call(headers=headers).status_code == 201
    name = "name" if scene.name == "createMyApiKey" else "username"
    return scene.call(headers=headers, json={**scene.good_body(), name: "grace"})


def key_in_use(scene: Scene) -> TestResponse:
    path, method, _ = OPERATIONS[scene.name]
    headers = {**scene.caller().get("headers", {}), "Idempotency-Key": "the-same"}
    caller = scene.app.client.get("/me", headers=headers).json.get("id", "") if "Authorization" in headers else ""
    body = scene.good_body()
    asked = Asked(f"{method.upper()} {path}?", caller, "the-same", json.dumps(body, sort_keys=True).encode())
    scene.app.run(scene.app.services.get(Idempotency).begin, asked)
    return scene.call(headers=headers, json=body)


SCENARIOS: dict[str, Callable[[Scene], TestResponse]] = {
    "not modified": not_modified,
    "malformed_json": lambda scene: scene.call(data="{", content_type=JSON, **scene.caller()),
    "body_too_large": lambda scene: scene.call(
        data=b" " * 65537, content_type=FORM if scene.is_form else JSON, **scene.caller()
    ),
    "invalid_request": lambda scene: scene.call(data="token=1&token=2", content_type=FORM),
    "unauthorized_client": lambda scene: scene.call(headers=new_client(scene.app, may_revoke=False)),
    "unsupported_token_type": revoked_api_key,
    "invalid_client": lambda scene: scene.call(headers=basic("an id", "a secret")),
    "unsupported_media_type": lambda scene: scene.call(data="x=y", content_type="text/plain", **scene.caller()),
    "validation_failed": lambda scene: scene.call(json={"nonsense": 1}, **scene.caller()),
    "authentication_required": lambda scene: scene.call(),
    "invalid_token": lambda scene: scene.call(headers={"Authorization": "Bearer nonsense"}),
    "insufficient_user_authentication": no_recent_login,
    "insufficient_scope": key_without_scopes,
    "insufficient_role": lambda scene: scene.call(**asking(scene, role="admin"), **scene.authenticated()),
    "account_disabled": disabled,
    "wrong_password": wrong_password,
    "last_administrator": last_administrator,
    "session_not_found": lambda scene: scene.call(parameters={"session_id": "nonsense"}, **scene.authenticated()),
    "api_key_not_found": lambda scene: scene.call(**scene.authenticated()),
    "scope_not_held": lambda scene: scene.call(
        json={"name": "robot", "scopes": ["users:read"]}, **scene.authenticated()
    ),
    "too_many_api_keys": too_many_api_keys,
    "invalid_query": lambda scene: scene.call(query_string={"nonsense": "1"}, **scene.caller()),
    "invalid_credentials": lambda scene: scene.call(json={"username": "nobody", "password": PASSWORD}),
    "invalid_refresh_token": lambda scene: scene.call(json={"refresh_token": "nonsense"}),
    "not_found": lambda scene: scene.call(parameters={"asset": "nonsense", "code": "nonsense"}),
    "username_taken": taken,
    "email_taken": email_taken,
    "user_not_found": lambda scene: scene.call(**scene.caller()),
    "unknown_role": unknown_role,
    "role_not_found": lambda scene: scene.call(**scene.caller()),
    "role_taken": role_taken,
    "role_is_built_in": lambda scene: scene.call(parameters={"role_name": "admin"}, **scene.caller()),
    "beyond_own_permissions": beyond_own_permissions,
    "precondition_failed": stale,
    "precondition_required": lambda scene: scene.call_on_something(**{"If-Match": None}),
    "page_not_found": lambda scene: scene.call(query_string={"cursor": "nonsense"}, **scene.caller()),
    "password_too_common": common_password,
    "idempotency_key_malformed": key_malformed,
    "idempotency_key_reused": key_reused,
    "idempotency_key_in_use": key_in_use,
    "database_unavailable": unreachable_database,
    "overloaded": full_queue,
}

WITHOUT_PROBLEM = {"304": "not modified"}
"""What to call the other answers that are no problem; the rest are successes."""

ANSWERS = [
    (name, status, code)
    for name, (_, _, operation) in OPERATIONS.items()
    for status, response in operation["responses"].items()
    for code in documented_problems(status, response) or [WITHOUT_PROBLEM.get(status, "success")]
]


@pytest.mark.parametrize(("name", "status", "code"), ANSWERS)
def test_it_is_reached(name: str, status: str, code: str, app: App, make_app: MakeApp) -> None:
    scene = Scene(name, app, make_app)
    answer = SCENARIOS.get(code, success)(scene)
    # That the answer has the body and headers of the contract is what contract_checks=raise sees to.
    assert answer.status_code == int(status)
    if int(status) >= 400:
        assert answer.json["code"] == code
        assert answer.json["type"] == f"/problems/{code}"
        assert ("error" in answer.json) == ("error_description" in answer.json) == scene.is_of_oauth


def test_no_scenario_is_left_over() -> None:
    assert SCENARIOS.keys() == {code for _, _, code in ANSWERS} - {"success"}
