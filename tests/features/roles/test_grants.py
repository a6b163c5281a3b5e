"""Roles that the actor does not hold take `roles:grant`: what they mean to other services is not known here."""

import pytest
from werkzeug.test import TestResponse

from tests.conftest import App
from tests.features.admin.conftest import Desk, desk_of, id_of
from tests.support.people import Person, make_role, person

HELPER = ("users:read", "users:write", "roles:read", "roles:write")
PAYMENTS = "payments-admin"
"""A role that means nothing to Ostiary."""


@pytest.fixture
def desk(app: App) -> Desk:
    make_role(app, PAYMENTS)
    return Desk(person(app, "root", ("admin",)))


@pytest.fixture
def helper(app: App, desk: Desk) -> Desk:
    """Who may write users and roles, and holds nothing but the role for it."""
    return desk_of(app, "helper", *HELPER)


@pytest.fixture
def holder(app: App, desk: Desk) -> Person:
    return person(app, "grace", (PAYMENTS,))


def refused(answer: TestResponse) -> tuple[int, str, list[str], list[str]]:
    told = answer.json
    return answer.status_code, told["code"], told.get("missing_permissions"), told.get("missing_roles")


BEYOND = (403, "beyond_own_permissions", [], [PAYMENTS])


def reaching(desk: Desk, holder: str) -> list[TestResponse]:
    """The answers to everything that gives, takes or changes the role or a user who holds it."""
    own = id_of(desk.who)
    return [
        desk.set_roles(own, *desk.who.get("/me").json["roles"], PAYMENTS),
        desk.create("puppet", roles=[PAYMENTS]),
        desk.set_roles(holder),
        desk.change(holder, username="renamed"),
        desk.change(holder, email="helper@example.org"),
        desk.change(holder, disabled=True),
        desk.call("DELETE", f"/users/{holder}/sessions"),
        desk.delete(holder),
        desk.call("PATCH", f"/roles/{PAYMENTS}", "*", json={"permissions": ["users:read"]}),
        desk.call("PATCH", f"/roles/{PAYMENTS}", "*", json={"description": "Other."}),
        desk.call("DELETE", f"/roles/{PAYMENTS}", "*"),
    ]


def test_a_role_that_the_actor_does_not_hold_is_out_of_reach(helper: Desk, holder: Person) -> None:
    assert [refused(answer) for answer in reaching(helper, id_of(holder))] == [BEYOND] * 11
    assert holder.get("/me").json["roles"] == [PAYMENTS]


def test_whoever_holds_the_role_may_give_take_and_change_it(app: App, desk: Desk, holder: Person) -> None:
    make_role(app, "helpdesk", *HELPER)
    both = Desk(person(app, "both", ("helpdesk", PAYMENTS)))
    made = both.create("puppet", roles=[PAYMENTS])
    assert made.status_code == 201
    assert both.set_roles(made.json["id"]).status_code == 200
    assert both.change(id_of(holder), username="renamed").status_code == 200
    assert both.delete(id_of(holder)).status_code == 204
    assert both.call("PATCH", f"/roles/{PAYMENTS}", "*", json={"description": "Other."}).status_code == 200
    assert both.call("DELETE", f"/roles/{PAYMENTS}", "*").status_code == 204


def test_with_roles_grant_a_role_is_in_reach_that_is_not_held(app: App, desk: Desk, holder: Person) -> None:
    granter = desk_of(app, "granter", *HELPER, "roles:grant")
    made = granter.create("puppet", roles=[PAYMENTS])
    assert made.status_code == 201
    grace = id_of(holder)
    assert granter.set_roles(grace).status_code == 200
    assert granter.set_roles(grace, PAYMENTS).status_code == 200
    assert granter.change(grace, disabled=True).status_code == 200
    assert granter.delete(made.json["id"]).status_code == 204
    assert granter.call("PATCH", f"/roles/{PAYMENTS}", "*", json={"permissions": ["users:read"]}).status_code == 200
    assert granter.call("DELETE", f"/roles/{PAYMENTS}", "*").status_code == 204


def test_roles_grant_gives_no_permission_that_is_not_held_and_not_admin(app: App, desk: Desk) -> None:
    granter = desk_of(app, "granter", *HELPER, "roles:grant")
    make_role(app, "auditor", "audit:read")
    assert refused(granter.create("puppet", roles=["auditor"])) == (403, "beyond_own_permissions", ["audit:read"], [])
    assert refused(granter.create("puppet", roles=["admin"]))[3] == ["admin"]
    assert granter.call("PATCH", "/roles/auditor", "*", json={"description": "Other."}).status_code == 403


def test_nobody_gives_roles_grant_who_does_not_have_it(helper: Desk) -> None:
    role = {"name": "granting", "description": "", "permissions": ["roles:grant"]}
    expected = (403, "beyond_own_permissions", ["roles:grant"], [])
    assert refused(helper.call("POST", "/roles", json=role)) == expected
    widened = helper.call("PATCH", "/roles/role-of-helper", "*", json={"permissions": [*HELPER, "roles:grant"]})
    assert refused(widened) == expected


def test_other_roles_of_a_user_may_change_beside_one_that_is_not_held(helper: Desk, holder: Person) -> None:
    grace = id_of(holder)
    assert helper.set_roles(grace, PAYMENTS, "role-of-helper").status_code == 200
    assert helper.set_roles(grace, PAYMENTS).status_code == 200


def test_a_role_of_ones_own_may_be_given_up(app: App, desk: Desk) -> None:
    make_role(app, "helpdesk", *HELPER)
    both = Desk(person(app, "both", ("helpdesk", PAYMENTS)))
    assert both.set_roles(id_of(both.who), "helpdesk").json["roles"] == ["helpdesk"]


@pytest.mark.parametrize("scopes", [["users:read", "users:write"], [*HELPER, "roles:grant"]])
def test_no_api_key_reaches_a_role_whoever_made_it(app: App, desk: Desk, holder: Person, scopes: list[str]) -> None:
    body = {"name": "robot", "scopes": ["me:read", *scopes]}
    key = desk.who.post("/me/api-keys", json=body).json["api_key"]
    robot = Desk(Person(app, "robot", {"access_token": key}))
    root = id_of(desk.who)
    may_write_roles = "roles:write" in scopes
    for answer in reaching(robot, id_of(holder))[: 11 if may_write_roles else 8]:
        status, code, _, roles = refused(answer)
        assert (status, code) == (403, "beyond_own_permissions")
        assert PAYMENTS in roles or "admin" in roles
    for answer in (robot.set_roles(root), robot.change(root, username="fallen"), robot.delete(root)):
        assert refused(answer)[3] == ["admin"]
    assert robot.create("nobody-special", roles=[]).status_code == 201


@pytest.mark.parametrize("name", ["Admin", "ADMIN", "adrnin", "Payments-Admin", "PAYMENTS-ADMIN", "payrnents-admin"])
def test_a_name_that_looks_like_another_roles_is_taken(desk: Desk, name: str) -> None:
    answer = desk.call("POST", "/roles", json={"name": name, "description": "", "permissions": []})
    assert (answer.status_code, answer.json["code"]) == (409, "role_taken")


def test_letters_of_other_scripts_are_refused(desk: Desk) -> None:
    answer = desk.call("POST", "/roles", json={"name": "\u0430dmin", "description": "", "permissions": []})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/name")


def test_a_name_is_compared_with_every_role_of_many(app: App, desk: Desk) -> None:
    for number in range(60):
        make_role(app, f"role-{chr(97 + number // 26)}{chr(97 + number % 26)}x")
    for name, status in (("Role-CHX", 409), ("role-zzx", 201)):
        answer = desk.call("POST", "/roles", json={"name": name, "description": "", "permissions": []})
        assert answer.status_code == status
