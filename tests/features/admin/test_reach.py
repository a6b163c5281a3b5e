"""Nobody reaches beyond their own permissions, and an administrator is always left."""

from collections import Counter

import httpx
import pytest

from ostiary.core.scopes import PERMISSIONS
from ostiary.features.accounts.service import Accounts
from ostiary.features.accounts.store import UserFilter
from ostiary.features.admin.service import Administration
from tests.conftest import App, StartServer
from tests.features.admin.conftest import Desk, desk_of, id_of
from tests.features.test_many_at_once import bearer, together
from tests.support.people import PASSWORD, make_role, person


def refused(answer) -> tuple[int, str, list[str], list[str]]:
    told = answer.json
    return answer.status_code, told["code"], told.get("missing_permissions"), told.get("missing_roles")


@pytest.fixture
def helper(app: App) -> Desk:
    """Who may read and change users, and nothing else."""
    return desk_of(app, "helper", "users:read", "users:write")


BEYOND = (403, "beyond_own_permissions", sorted(PERMISSIONS - {"users:read", "users:write"}), ["admin"])


def test_an_administrator_is_out_of_reach_of_who_is_none(desk: Desk, helper: Desk) -> None:
    root = id_of(desk.who)
    for answer in (
        helper.change(root, username="fallen"),
        helper.change(root, email="helper@example.org"),
        helper.change(root, disabled=True),
        helper.set_roles(root),
        helper.delete(root),
        helper.call("DELETE", f"/users/{root}/sessions"),
        helper.set_roles(id_of(helper.who), "admin"),
        helper.create("puppet", roles=["admin"]),
    ):
        assert refused(answer) == BEYOND
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert desk.who.get("/me").json["username"] == "root"
    assert desk.get("/users").json["users"][-1]["username"] == "helper"


def test_a_role_with_other_permissions_can_neither_be_given_nor_taken(app: App, desk: Desk, helper: Desk) -> None:
    make_role(app, "auditor", "audit:read", "users:read")
    grace = person(app, "grace", ("auditor",))
    expected = (403, "beyond_own_permissions", ["audit:read"], ["auditor"])
    assert refused(helper.set_roles(id_of(helper.who), "role-of-helper", "auditor")) == expected
    assert refused(helper.create("puppet", roles=["auditor"])) == expected
    assert refused(helper.change(id_of(grace), disabled=True)) == expected
    # The permissions that the user has are looked at first.
    assert refused(helper.set_roles(id_of(grace))) == (*expected[:3], [])


def test_within_their_own_permissions_they_work(app: App, helper: Desk) -> None:
    ada = helper.create("ada", roles=["role-of-helper"])
    assert ada.status_code == 201
    user_id = ada.json["id"]
    assert helper.set_roles(user_id).status_code == 200
    assert helper.set_roles(user_id, "role-of-helper").status_code == 200
    assert helper.change(user_id, disabled=True).status_code == 200
    assert helper.delete(user_id).status_code == 204


def test_every_permission_together_is_not_the_role_admin(app: App, desk: Desk) -> None:
    """That also has the permissions of later versions."""
    mighty = desk_of(app, "mighty", *PERMISSIONS)
    expected = (403, "beyond_own_permissions", [], ["admin"])
    assert refused(mighty.set_roles(id_of(mighty.who), "admin")) == expected
    assert refused(mighty.delete(id_of(desk.who))) == expected


def test_reading_is_not_writing(app: App, desk: Desk) -> None:
    reader = desk_of(app, "reader", "users:read")
    root = f"/users/{id_of(desk.who)}"
    assert reader.get(root).status_code == 200
    for answer in (
        reader.create("puppet"),
        reader.call("PATCH", root, "*", json={}),
        reader.call("DELETE", root, "*"),
        reader.call("DELETE", f"{root}/sessions"),
        reader.call("PUT", f"{root}/roles", "*", json={"roles": []}),
    ):
        assert (answer.status_code, answer.json["required_scopes"]) == (403, ["users:write"])


def test_the_last_administrator_stays(app: App, desk: Desk) -> None:
    root = id_of(desk.who)
    other = desk.create("other", roles=["admin"]).json["id"]
    assert desk.change(other, disabled=True).status_code == 200  # who is disabled cannot administer
    for answer in (desk.change(root, disabled=True), desk.set_roles(root), desk.delete(root)):
        assert (answer.status_code, answer.json["code"]) == (409, "last_administrator")
    assert desk.who.get("/protected/admin").status_code == 200
    assert desk.change(other, disabled=False).status_code == 200
    assert desk.set_roles(root).status_code == 200
    assert desk.who.get("/protected/admin").status_code == 401


def test_a_new_name_of_the_last_administrator_is_no_loss(desk: Desk) -> None:
    assert desk.change(id_of(desk.who), username="toor").status_code == 200
    make_role(desk.who.app, "editor")
    assert desk.set_roles(id_of(desk.who), "admin", "editor").status_code == 200


ROOTS = ("root-one", "root-two")


@pytest.mark.parametrize("how", ["DELETE", "PATCH", "PUT"])
def test_two_administrators_who_remove_each_other_leave_one(
    app: App, start_server: StartServer, database_url: str, how: str
) -> None:
    server = start_server(database_url, workers=2)
    (example,) = app.run(app.services.get(Administration).page, UserFilter("username"), 20, None).items
    app.run(app.services.get(Accounts).delete_as_operator, example.id)  # it would be one more administrator
    for _ in range(5):
        for name in ROOTS:
            app.run(app.services.get(Accounts).register, name, PASSWORD, ("admin",))
        with httpx.Client(base_url=server.url) as client:
            pairs = [client.post("/login", json={"username": name, "password": PASSWORD}).json() for name in ROOTS]
            ids = [client.get("/me", headers=bearer(pair)).json()["id"] for pair in pairs]
        body = {"PATCH": {"disabled": True}, "PUT": {"roles": []}}.get(how)
        path = "/users/{}/roles" if how == "PUT" else "/users/{}"
        kwargs = {} if body is None else {"json": body}
        answers = together(
            server,
            *(
                (how, path.format(victim), {"headers": {**bearer(pair), "If-Match": "*"}, **kwargs})
                for pair, victim in zip(pairs, reversed(ids), strict=True)
            ),
        )
        statuses = Counter(answer.status_code // 100 for answer in answers)
        # The second is refused since nobody would be left, or since its own token no longer counts.
        assert statuses == {2: 1, 4: 1}, [answer.text for answer in answers]
        assert {answer.status_code for answer in answers} <= {200, 204, 401, 403, 409}
        for user_id in ids:
            app.run(app.services.get(Accounts).delete_as_operator, user_id)


def test_of_many_changes_of_one_version_one_is_made(app: App, start_server: StartServer, database_url: str) -> None:
    server = start_server(database_url, workers=2)
    app.run(app.services.get(Accounts).register, "root", PASSWORD, ("admin",))
    with httpx.Client(base_url=server.url) as client:
        pair = client.post("/login", json={"username": "root", "password": PASSWORD}).json()
        created = client.post("/users", headers=bearer(pair), json={"username": "ada", "password": PASSWORD})
        path = created.headers["Location"]
        headers = {**bearer(pair), "If-Match": created.headers["ETag"]}
        changes = [("PATCH", path, {"headers": headers, "json": {"username": f"ada-{number}"}}) for number in range(16)]
        answers = together(server, *changes)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 15}
        (made,) = (answer for answer in answers if answer.status_code == 200)
        assert client.get(path, headers=bearer(pair)).json() == made.json()
