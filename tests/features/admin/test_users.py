"""Users as administrators see and change them."""

import json

import pytest
from sqlalchemy import select

from ostiary.features.audit.models import AuditEventRow
from tests.conftest import App, MakeApp
from tests.features.admin.conftest import Desk, id_of
from tests.support.people import PASSWORD, Person, log_in, make_role, person, refresh

NOBODY = "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44"


def events(app: App, user_id: str | None) -> list[tuple[str, str | None, dict]]:
    async def read() -> list[AuditEventRow]:
        async with app.services.database.read() as session:
            query = select(AuditEventRow).where(AuditEventRow.user_id == user_id).order_by(AuditEventRow.seq)
            return list(await session.scalars(query))

    return [(row.type, row.actor_id, json.loads(row.details)) for row in app.run(read)]


def test_a_user_is_created_and_found_where_location_says(desk: Desk) -> None:
    make_role(desk.who.app, "editor")
    created = desk.create("Grace", email="Grace@Example.org", roles=["editor"])
    assert created.status_code == 201
    assert created.json["email"] == "Grace@Example.org"
    assert (created.json["username"], created.json["roles"], created.json["disabled"]) == ("Grace", ["editor"], False)
    found = desk.get(created.headers["Location"])
    assert found.json == created.json
    assert found.headers["ETag"] == created.headers["ETag"]
    assert log_in(desk.who.app, "grace").get("/me").json == created.json
    assert events(desk.who.app, created.json["id"])[0] == ("user.registered", id_of(desk.who), {})


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"username": "GRACE"}, "username_taken"),
        ({"email": "grace@EXAMPLE.org"}, "email_taken"),
        ({"roles": ["nonsense"]}, "unknown_role"),
    ],
)
def test_what_clashes_is_refused(desk: Desk, members: dict, code: str) -> None:
    desk.create("grace", email="grace@example.org")
    refused = desk.create(**{"username": "alan", **members})
    assert (refused.status_code, refused.json["code"]) == (409, code)
    assert [user["username"] for user in desk.get("/users").json["users"]] == ["root", "grace"]


def test_a_name_that_looks_like_a_constraint_is_told_apart(desk: Desk) -> None:
    """PostgreSQL's message holds the value as well as the name of the constraint."""
    ada = desk.create("ada").json["id"]
    desk.create("users_email_key")
    assert desk.change(ada, username="users_email_key").json["code"] == "username_taken"


@pytest.mark.parametrize("email", ["a@b@c", "a b@c", "@c", "a@", "a@-c", "a@c\n", "é@c", "a" * 65 + "@c"])
def test_what_is_no_address_is_refused(desk: Desk, email: str) -> None:
    assert desk.create("grace", email=email).json["errors"][0]["pointer"] == "/email"


@pytest.mark.parametrize("user_id", [NOBODY, "nonsense", NOBODY.upper(), "%00", "%ff", "x" * 5000, "0" * 36])
def test_who_is_not_there_is_not_found(desk: Desk, user_id: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"disabled": True}),
        ("DELETE", "", None),
        ("PUT", "/roles", {"roles": []}),
        ("DELETE", "/sessions", None),
    ):
        answer = desk.call(method, f"/users/{user_id}{path}", "*", **({} if body is None else {"json": body}))
        assert (answer.status_code, answer.json["code"]) == (404, "user_not_found"), method


def test_what_is_changed_is_shown_with_another_etag(desk: Desk) -> None:
    ada = person(desk.who.app, "ada")
    user_id = id_of(ada)
    before = desk.etag(f"/users/{user_id}")
    changed = desk.change(user_id, username="Ada.L", email="ada@example.org")
    assert (changed.status_code, changed.json["username"], changed.json["email"]) == (200, "Ada.L", "ada@example.org")
    assert changed.headers["ETag"] != before
    assert desk.get(f"/users/{user_id}").json == changed.json == ada.get("/me").json
    assert desk.change(user_id, email=None).json["email"] is None
    assert [event for event in events(desk.who.app, user_id) if event[0] == "user.updated"] == [
        ("user.updated", id_of(desk.who), {"changed": ["username", "email"]}),
        ("user.updated", id_of(desk.who), {"changed": ["email"]}),
    ]


def test_what_is_there_already_is_no_change(desk: Desk) -> None:
    user_id = id_of(person(desk.who.app, "ada"))
    before = desk.etag(f"/users/{user_id}")
    for members in ({}, {"username": "ada"}, {"email": None}, {"disabled": False}):
        assert desk.change(user_id, **members).headers["ETag"] == before
    assert desk.set_roles(user_id).headers["ETag"] == before
    assert [kind for kind, _, _ in events(desk.who.app, user_id)] == ["user.registered", "session.started"]


def test_who_is_disabled_is_out_at_once_everywhere_and_may_come_back(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    desk = Desk(person(one, "root", ("admin",)))
    ada = person(other, "ada")
    user_id = id_of(ada)
    assert desk.change(user_id, disabled=True).json["disabled"] is True
    for app in (one, other):
        assert Person(app, "ada", ada.tokens).get("/protected").json["code"] == "invalid_token"
        assert refresh(app, ada.tokens["refresh_token"]).json["code"] == "invalid_refresh_token"
        refused = app.client.post("/login", json={"username": "ada", "password": PASSWORD})
        assert (refused.status_code, refused.json["code"]) == (403, "account_disabled")
    assert desk.change(user_id, disabled=False).json["disabled"] is False
    assert log_in(other, "ada").get("/protected").status_code == 200
    assert ada.get("/protected").status_code == 401
    kinds = [(kind, actor) for kind, actor, _ in events(one, user_id) if kind.startswith(("user.", "session.ended"))]
    root = id_of(desk.who)
    assert kinds[1:] == [("session.ended", root), ("user.disabled", root), ("user.enabled", root)]


def test_sessions_end(desk: Desk) -> None:
    app = desk.who.app
    ada = person(app, "ada")
    log_in(app, "ada")
    path = f"/users/{id_of(ada)}/sessions"
    assert desk.call("DELETE", path).json == {"ended_sessions": 2}
    assert desk.call("DELETE", path).json == {"ended_sessions": 0}
    assert ada.get("/protected").status_code == 401
    assert log_in(app, "ada").get("/protected").status_code == 200


def test_new_roles_hold_from_the_next_token_on_and_old_tokens_are_refused(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    desk = Desk(person(one, "root", ("admin",)))
    make_role(one, "reader", "users:read")
    ada = person(other, "ada")
    user_id = id_of(ada)
    assert other.client.get("/users", headers=ada.bearer).status_code == 403
    assert desk.set_roles(user_id, "reader").json["roles"] == ["reader"]
    assert ada.get("/protected").json["code"] == "invalid_token"
    renewed = Person(other, "ada", refresh(other, ada.tokens["refresh_token"]).json)
    assert other.client.get("/users", headers=renewed.bearer).status_code == 200
    assert desk.set_roles(user_id).json["roles"] == []
    assert other.client.get("/users", headers=renewed.bearer).status_code == 401
    changes = [details for kind, _, details in events(one, user_id) if kind == "user.roles_changed"]
    assert changes == [{"added": ["reader"], "removed": []}, {"added": [], "removed": ["reader"]}]


def test_who_is_deleted_is_gone(desk: Desk) -> None:
    ada = person(desk.who.app, "ada")
    user_id = id_of(ada)
    assert desk.delete(user_id).status_code == 204
    assert ada.get("/protected").status_code == 401
    assert desk.get(f"/users/{user_id}").status_code == 404
    assert events(desk.who.app, user_id)[-1] == ("user.deleted", id_of(desk.who), {})


# Versions


def test_a_change_says_which_version_it_is_meant_for(desk: Desk) -> None:
    path = f"/users/{id_of(person(desk.who.app, 'ada'))}"
    first = desk.etag(path)
    assert desk.call("PATCH", path, first, json={"email": "ada@example.org"}).status_code == 200
    for method, at, body in (
        ("PATCH", path, {"username": "lovelace"}),
        ("PUT", f"{path}/roles", {"roles": ["admin"]}),
        ("DELETE", path, None),
    ):
        kwargs = {} if body is None else {"json": body}
        for tag in (first, f"W/{desk.etag(path)}", "nonsense", '""', "", " "):
            stale = desk.call(method, at, tag, **kwargs)
            assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed"), (method, tag)
        required = desk.call(method, at, None, **kwargs)
        assert (required.status_code, required.json["code"]) == (428, "precondition_required")
    found = desk.get(path).json
    assert (found["username"], found["roles"]) == ("ada", [])
    assert desk.call("PATCH", path, f'"other", {desk.etag(path)}', json={"username": "ada.l"}).status_code == 200
    assert desk.call("PATCH", path, "*", json={"username": "ada.k"}).status_code == 200


def test_what_the_client_has_is_not_sent_again(desk: Desk) -> None:
    path = f"/users/{id_of(desk.who)}"
    for at in (path, "/me"):
        etag = desk.etag(at)
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            answer = desk.who.app.client.get(at, headers={**desk.who.bearer, "If-None-Match": known})
            assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
        for known in ('"other"', "", "nonsense"):
            answer = desk.who.app.client.get(at, headers={**desk.who.bearer, "If-None-Match": known})
            assert answer.status_code == 200


# Lists


def names(desk: Desk, **query: object) -> list[str]:
    """All names, page by page."""
    found: list[str] = []
    asked = dict(query)
    while True:
        page = desk.get("/users", **asked)
        assert page.status_code == 200, page.text
        found += [user["username"] for user in page.json["users"]]
        if page.json["next_cursor"] is None:
            assert "Link" not in page.headers
            return found
        assert len(page.json["users"]) == query.get("limit", 20)
        linked = desk.call("GET", f"/users{page.headers['Link'].removeprefix('<').partition('>')[0]}")
        asked["cursor"] = page.json["next_cursor"]
        assert linked.json == desk.get("/users", **asked).json


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_the_pages_of_a_list_have_every_user_once(desk: Desk, limit: int) -> None:
    for name in ("Zoe", "ada", "Émile"):
        desk.create(name)
    assert names(desk, limit=limit) == ["root", "Zoe", "ada", "Émile"]
    assert names(desk, limit=limit, sort="-created_at") == ["Émile", "ada", "Zoe", "root"]
    assert names(desk, limit=limit, sort="username") == ["ada", "root", "Zoe", "Émile"]
    assert names(desk, limit=limit, sort="-username") == ["Émile", "Zoe", "root", "ada"]


def test_users_who_come_and_go_move_no_other(desk: Desk) -> None:
    ids = {name: desk.create(name).json["id"] for name in ("bob", "dan", "fay", "hal")}
    first = desk.get("/users", sort="username", limit=2).json
    assert [user["username"] for user in first["users"]] == ["bob", "dan"]
    desk.create("amy")
    desk.create("eve")
    for gone in ("bob", "dan"):
        desk.delete(ids[gone])
    rest = desk.get("/users", sort="username", cursor=first["next_cursor"]).json
    assert [user["username"] for user in rest["users"]] == ["eve", "fay", "hal", "root"]


def test_lists_are_filtered(desk: Desk) -> None:
    make_role(desk.who.app, "editor")
    desk.create("ada", roles=["editor"], email="countess@example.org")
    grace = desk.create("grace", roles=["editor"]).json["id"]
    desk.create("Alan_T", email="turing@example.org")
    desk.change(grace, disabled=True)
    assert names(desk, role="editor") == ["ada", "grace"]
    assert names(desk, role="nonsense") == []
    assert names(desk, disabled="true") == ["grace"]
    assert names(desk, disabled="false", limit=1) == ["root", "ada", "Alan_T"]
    assert names(desk, role="editor", disabled="false") == ["ada"]
    assert names(desk, search="A", sort="-username") == ["Alan_T", "ada"]
    assert names(desk, search="COUNTESS@") == ["ada"]
    assert names(desk, search="turing") == ["Alan_T"]
    for nothing in ("a%", "a_", "%", "lan", "\0", "a\0", "\U0010ffff", "é"):
        assert names(desk, search=nothing) == ([] if nothing not in ("\0", "a\0") else names(desk, search=nothing))


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "1.0"},
        {"limit": "1_0"},
        {"limit": "٣"},
        {"sort": "email"},
        {"disabled": "1"},
        {"search": ""},
        {"search": "x" * 255},
        {"role": "two words"},
        {"role": ""},
        {"cursor": ""},
        {"nonsense": "1"},
    ],
)
def test_a_query_that_the_contract_has_not_is_refused(desk: Desk, query: dict) -> None:
    answer = desk.get("/users", **query)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_query")
    assert [error["parameter"] for error in answer.json["errors"]] == list(query)


def test_a_cursor_of_another_order_leads_nowhere(desk: Desk) -> None:
    desk.create("ada")
    cursor = desk.get("/users", limit=1).json["next_cursor"]
    for query in ({"cursor": cursor, "sort": "username"}, {"cursor": "nonsense"}):
        answer = desk.get("/users", **query)
        assert (answer.status_code, answer.json["code"]) == (404, "page_not_found")
