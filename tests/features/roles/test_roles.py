"""Roles: made, changed, deleted; and what that means for those who hold them."""

import json

import pytest
from sqlalchemy import select

from ostiary.core.scopes import PERMISSIONS
from ostiary.features.audit.models import AuditEventRow
from tests.conftest import App, MakeApp
from tests.features.admin.conftest import Desk, desk_of, id_of
from tests.support.people import Person, make_role, person, refresh

HELPDESK = {"name": "helpdesk", "description": "Helps.", "permissions": ["users:write", "users:read"]}


@pytest.fixture
def desk(app: App) -> Desk:
    return Desk(person(app, "root", ("admin",)))


def events(app: App) -> list[tuple[str, dict]]:
    async def read() -> list[AuditEventRow]:
        async with app.services.database.read() as session:
            query = select(AuditEventRow).where(AuditEventRow.type.like("role.%")).order_by(AuditEventRow.seq)
            return list(await session.scalars(query))

    return [(row.type, json.loads(row.details)) for row in app.run(read)]


def test_a_role_is_created_and_found_where_location_says(desk: Desk) -> None:
    created = desk.call("POST", "/roles", json=HELPDESK)
    assert (created.status_code, created.headers["Location"]) == (201, "/roles/helpdesk")
    assert created.json["permissions"] == ["users:read", "users:write"]
    found = desk.get("/roles/helpdesk")
    assert (found.json, found.headers["ETag"]) == (created.json, created.headers["ETag"])
    listed = desk.get("/roles").json["roles"]
    assert [role["name"] for role in listed] == ["admin", "helpdesk"]
    assert listed[1] == created.json
    assert (listed[0]["permissions"], listed[0]["built_in"]) == (sorted(PERMISSIONS), True)
    assert desk.call("POST", "/roles", json=HELPDESK).json["code"] == "role_taken"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", ".", "..", "-a", "é", "a\n", "a" * 65, "admin\0"])
def test_a_name_that_no_path_or_scope_could_have_is_refused(desk: Desk, name: str) -> None:
    refused = desk.call("POST", "/roles", json={**HELPDESK, "name": name})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/name")


@pytest.mark.parametrize("permission", ["users:nonsense", "me:read", "admin", "", "*"])
def test_what_is_no_permission_is_refused(desk: Desk, permission: str) -> None:
    refused = desk.call("POST", "/roles", json={**HELPDESK, "permissions": ["users:read", permission]})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/permissions/1")


@pytest.mark.parametrize("name", ["nonsense", "Admin", "%00", "%ff", "%20", "x" * 5000])
def test_what_is_not_there_is_not_found(desk: Desk, name: str) -> None:
    for method, kwargs in (("GET", {}), ("PATCH", {"json": {}}), ("DELETE", {})):
        answer = desk.call(method, f"/roles/{name}", "*", **kwargs)
        assert (answer.status_code, answer.json["code"]) == (404, "role_not_found")


def test_the_role_admin_is_built_in(desk: Desk) -> None:
    for answer in (
        desk.call("PATCH", "/roles/admin", "*", json={"permissions": []}),
        desk.call("DELETE", "/roles/admin", "*"),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "role_is_built_in")
    assert desk.call("POST", "/roles", json={**HELPDESK, "name": "admin"}).json["code"] == "role_taken"


def test_other_permissions_hold_from_the_next_token_on(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    desk = Desk(person(one, "root", ("admin",)))
    etag = desk.call("POST", "/roles", json=HELPDESK).headers["ETag"]
    holders = [person(other, name, ("helpdesk",)) for name in ("ada", "grace")]
    bystander = person(other, "alan")

    described = desk.call("PATCH", "/roles/helpdesk", etag, json={"description": "Helps a lot."})
    assert described.json["description"] == "Helps a lot."
    assert all(holder.get("/users").status_code == 200 for holder in holders)

    changed = desk.call("PATCH", "/roles/helpdesk", described.headers["ETag"], json={"permissions": ["audit:read"]})
    assert (changed.json["description"], changed.json["permissions"]) == ("Helps a lot.", ["audit:read"])
    for holder in holders:
        assert holder.get("/protected").json["code"] == "invalid_token"
        renewed = Person(other, holder.username, refresh(other, holder.tokens["refresh_token"]).json)
        assert renewed.get("/users").json["code"] == "insufficient_scope"
        assert "audit:read" in renewed.get("/users").json["held_scopes"]
    assert bystander.get("/protected").status_code == 200
    assert desk.who.get("/protected").status_code == 200
    assert events(one)[1:] == [
        ("role.changed", {"role": "helpdesk", "added": [], "removed": []}),
        ("role.changed", {"role": "helpdesk", "added": ["audit:read"], "removed": ["users:read", "users:write"]}),
    ]


def test_nobody_holds_a_role_that_was_deleted(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    desk = Desk(person(one, "root", ("admin",)))
    etag = desk.call("POST", "/roles", json=HELPDESK).headers["ETag"]
    ada, alan = person(other, "ada", ("helpdesk",)), person(other, "alan")
    before = desk.etag(f"/users/{id_of(ada)}")
    assert desk.call("DELETE", "/roles/helpdesk", etag).status_code == 204
    assert ada.get("/protected").json["code"] == "invalid_token"
    assert alan.get("/protected").status_code == 200
    renewed = Person(other, "ada", refresh(other, ada.tokens["refresh_token"]).json)
    assert renewed.get("/me").json["roles"] == []
    assert desk.etag(f"/users/{id_of(renewed)}") != before
    assert desk.get("/roles/helpdesk").status_code == 404
    again = desk.call("POST", "/roles", json=HELPDESK)
    assert again.status_code == 201
    assert renewed.get("/me").json["roles"] == []


def test_a_change_says_which_version_it_is_meant_for(desk: Desk) -> None:
    first = desk.call("POST", "/roles", json=HELPDESK).headers["ETag"]
    assert desk.call("PATCH", "/roles/helpdesk", first, json={"description": "Other."}).status_code == 200
    for method, kwargs in (("PATCH", {"json": {"permissions": []}}), ("DELETE", {})):
        assert desk.call(method, "/roles/helpdesk", first, **kwargs).json["code"] == "precondition_failed"
        assert desk.call(method, "/roles/helpdesk", None, **kwargs).json["code"] == "precondition_required"
    present = desk.etag("/roles/helpdesk")
    assert desk.call("PATCH", "/roles/helpdesk", present, json={}).headers["ETag"] == present
    answer = desk.who.app.client.get("/roles/helpdesk", headers={**desk.who.bearer, "If-None-Match": present})
    assert (answer.status_code, answer.data) == (304, b"")


def test_a_role_of_the_same_name_made_anew_is_another(desk: Desk, app: App) -> None:
    first = desk.call("POST", "/roles", json=HELPDESK).headers["ETag"]
    desk.call("DELETE", "/roles/helpdesk", first)
    app.clock.move(1)
    desk.call("POST", "/roles", json=HELPDESK)
    assert desk.call("DELETE", "/roles/helpdesk", first).status_code == 412


def test_nobody_makes_changes_or_deletes_a_role_beyond_their_own_permissions(app: App, desk: Desk) -> None:
    maker = desk_of(app, "maker", "roles:read", "roles:write")
    make_role(app, "auditor", "audit:read")
    for answer in (
        maker.call("POST", "/roles", json={**HELPDESK, "permissions": ["audit:read"]}),
        maker.call("PATCH", "/roles/auditor", "*", json={"permissions": []}),
        maker.call("PATCH", "/roles/role-of-maker", "*", json={"permissions": ["audit:read", "roles:write"]}),
        maker.call("DELETE", "/roles/auditor", "*"),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "beyond_own_permissions")
        assert answer.json["missing_permissions"] == ["audit:read"]
    made = maker.call("POST", "/roles", json={**HELPDESK, "permissions": ["roles:read"]})
    assert made.status_code == 201
    unheld = maker.call("DELETE", "/roles/helpdesk", made.headers["ETag"])
    assert (unheld.status_code, unheld.json["missing_roles"]) == (403, ["helpdesk"])
    assert maker.call("DELETE", "/roles/role-of-maker", "*").status_code == 204


def test_roles_from_before_names_were_narrowed_can_be_read_and_deleted(app: App, desk: Desk) -> None:
    make_role(app, "team#1:lead")
    assert desk.get("/roles/team%231:lead").json["name"] == "team#1:lead"
    assert desk.call("DELETE", "/roles/team%231:lead", "*").status_code == 204
