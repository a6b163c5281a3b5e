"""Users and roles: who may do what to whom, at which version, and what becomes of the tokens."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from .deployment import Deployment
from .people import Credentials, User, register
from .persons import Operations

AT_ONCE = 8
ROUNDS = 20
"""How often requests are sent at once until one has met another that is under way."""
UNKNOWN = "00000000-0000-7000-8000-000000000000"
USER, ROLE = "/users/{user_id}", "/roles/{role_name}"
OF_USERS = (f"PATCH {USER}", f"DELETE {USER}", f"PUT {USER}/roles", f"DELETE {USER}/sessions")
OF_ROLES = (f"PATCH {ROLE}", f"DELETE {ROLE}")
BODIES: dict[str, dict[str, Any]] = {
    f"PATCH {USER}": {"disabled": False},
    f"PUT {USER}/roles": {"roles": []},
    f"PATCH {ROLE}": {"description": "Other."},
}


class Desk:
    """Somebody who administers."""

    def __init__(self, operations: Operations, who: User) -> None:
        self.who = who
        self._operations = operations

    def call(self, label: str, one: str = "", etag: str | None = "*", **kwargs: Any) -> httpx.Response:
        """Call an operation on the user or role `one`, meant for the version `etag`."""
        path = label.split(" ")[1].replace("{user_id}", one).replace("{role_name}", one)
        headers = {**({} if etag is None else {"If-Match": etag}), **kwargs.pop("headers", {})}
        body = {"json": BODIES[label]} if label in BODIES and "json" not in kwargs else {}
        return self._operations.call(label, self.who, path, headers=headers, **body, **kwargs)

    def make_user(self, **members: Any) -> tuple[User, httpx.Response]:
        """Make a user, and return them and the answer."""
        found = Credentials.throwaway("managed")
        answer = self.call("POST /users", json={**vars(found), **members})
        assert answer.status_code == 201, answer.text
        return User("managed", self._operations.client, found), answer

    def make_role(self, *permissions: str) -> str:
        """Make a role and return its name."""
        name = Credentials.throwaway("role").username
        answer = self.call("POST /roles", json={"name": name, "description": "", "permissions": permissions})
        assert answer.status_code == 201, answer.text
        assert answer.headers["Location"] == f"/roles/{name}"
        return name


@pytest.fixture(scope="module")
def operations(deployment: Deployment) -> Iterator[Operations]:
    with deployment.client() as client:
        yield Operations(deployment, client)


@pytest.fixture(scope="module")
def desk(operations: Operations, deployment: Deployment, people: list[User]) -> Desk:
    """The administrator's."""
    if deployment.administrator is None:
        pytest.skip("no administrator is known")
    return Desk(operations, people[-1])


@pytest.fixture
def limited(operations: Operations, desk: Desk) -> Desk:
    """Somebody who may administer users and roles, and nothing else."""
    role = desk.make_role("users:read", "users:write", "roles:read", "roles:write")
    return Desk(operations, desk.make_user(roles=[role])[0])


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_request_under_an_idempotency_key_makes_one_user(desk: Desk) -> None:
    headers, body = {"Idempotency-Key": os.urandom(16).hex()}, vars(Credentials.throwaway("managed"))
    first, again = (desk.call("POST /users", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    reused = desk.call("POST /users", json=vars(Credentials.throwaway("managed")), headers=headers)
    assert problem(reused) == (422, "idempotency_key_reused")
    malformed = desk.call("POST /users", json=body, headers={"Idempotency-Key": "two words"})
    assert problem(malformed) == (400, "idempotency_key_malformed")


def test_of_many_at_once_under_an_idempotency_key_one_makes_a_user(desk: Desk) -> None:
    desk.who.token()
    for _ in range(ROUNDS):
        headers, body = {"Idempotency-Key": os.urandom(16).hex()}, vars(Credentials.throwaway("managed"))
        together = threading.Barrier(AT_ONCE)

        def send(
            _: int,
            headers: dict[str, str] = headers,
            body: dict[str, str] = body,
            together: threading.Barrier = together,
        ) -> httpx.Response:
            together.wait()
            return desk.call("POST /users", json=body, headers=headers)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(send, range(AT_ONCE)))
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        if in_use := [answer for answer in answers if answer.status_code == 409]:
            assert {answer.json()["code"] for answer in in_use} == {"idempotency_key_in_use"}
            return
    raise AssertionError(f"no request has met another under way in {ROUNDS} rounds")


def test_a_user_is_made_found_changed_and_deleted(desk: Desk) -> None:
    _, made = desk.make_user()
    user_id, etag = made.json()["id"], made.headers["ETag"]
    assert made.headers["Location"] == f"/users/{user_id}"
    assert desk.call(f"GET {USER}", user_id).json() == made.json()
    unchanged = desk.call(f"GET {USER}", user_id, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    name = Credentials.throwaway("renamed").username
    changed = desk.call(f"PATCH {USER}", user_id, etag, json={"username": name, "email": f"{name}@example.org"})
    assert (changed.json()["username"], changed.json()["email"]) == (name, f"{name}@example.org")
    listed = desk.call("GET /users", params={"search": name.upper()}).json()
    assert (listed["users"], listed["next_cursor"]) == ([changed.json()], None)
    for label in (f"PATCH {USER}", f"PUT {USER}/roles", f"DELETE {USER}"):
        assert problem(desk.call(label, user_id, etag)) == (412, "precondition_failed")
        assert problem(desk.call(label, user_id, None)) == (428, "precondition_required")
    assert desk.call(f"DELETE {USER}", user_id, changed.headers["ETag"]).status_code == 204
    assert problem(desk.call(f"GET {USER}", user_id)) == (404, "user_not_found")


def test_pages_lead_to_one_another(desk: Desk) -> None:
    made = [desk.make_user()[1].json()["id"] for _ in range(3)]
    found: list[str] = []
    params: dict[str, Any] = {"sort": "-created_at", "limit": 2}
    while len(found) < 4:
        page = desk.call("GET /users", params=params)
        found += [user["id"] for user in page.json()["users"]]
        if page.json()["next_cursor"] is None:
            break
        assert f"cursor={page.json()['next_cursor']}" in page.headers["Link"]
        params["cursor"] = page.json()["next_cursor"]
    assert found[:3] == made[::-1]


def test_a_cursor_that_no_list_has_given_leads_nowhere(operations: Operations, desk: Desk) -> None:
    assert len(operations.documenting("page_not_found")) >= 1
    for label in operations.documenting("page_not_found"):
        assert problem(desk.call(label, params={"cursor": "nonsense"})) == (404, "page_not_found"), label


@pytest.mark.parametrize("user_id", [UNKNOWN, "nonsense", "%00", "%2e%2e%5c"])
def test_who_is_not_there_is_not_found(desk: Desk, user_id: str) -> None:
    for label in (f"GET {USER}", *OF_USERS):
        assert problem(desk.call(label, user_id)) == (404, "user_not_found"), label


def test_an_ordinary_user_sees_nobody_else(operations: Operations, people: list[User]) -> None:
    other = operations.call("GET /me", people[1]).json()["id"]
    stranger = Desk(operations, people[0])
    for label in (f"GET {USER}", *OF_USERS):
        for user_id in (other, UNKNOWN):  # whether there is such a user is not told
            assert problem(stranger.call(label, user_id)) == (403, "insufficient_scope"), label
    assert operations.call("GET /me", people[1]).json()["id"] == other


def test_a_disabled_user_is_out_at_once(operations: Operations, desk: Desk) -> None:
    user, made = desk.make_user()
    pair, user_id = user.log_in(), made.json()["id"]
    assert desk.call(f"PATCH {USER}", user_id, json={"disabled": True}).json()["disabled"] is True
    assert operations.client.get("/me", headers={"Authorization": f"Bearer {pair['access_token']}"}).status_code == 401
    refused = operations.client.post("/login", json=vars(user.credentials))
    assert problem(refused) == (403, "account_disabled")
    assert desk.call(f"PATCH {USER}", user_id, json={"disabled": False}).status_code == 200
    assert user.log_in()["access_token"]
    assert desk.call(f"DELETE {USER}/sessions", user_id).json() == {"ended_sessions": 1}


def test_names_and_addresses_are_unique(operations: Operations, desk: Desk) -> None:
    first, made = desk.make_user(email=f"{Credentials.throwaway('a').username}@example.org")
    second = desk.make_user()[1].json()["id"]
    taken = {"username_taken": ("username", first.credentials.username), "email_taken": ("email", made.json()["email"])}
    for code, (member, value) in taken.items():
        assert problem(desk.call(f"PATCH {USER}", second, json={member: value.upper()})) == (409, code)
        body = {**vars(Credentials.throwaway("late")), member: value}
        assert problem(desk.call("POST /users", json=body)) == (409, code)
    ada = register("ada", operations.client)
    body = {"username": first.credentials.username}
    assert problem(operations.call("PATCH /me", ada, json=body)) == (409, "username_taken")


def test_people_change_their_own_name_at_one_version(operations: Operations) -> None:
    ada = register("ada", operations.client)
    before = operations.call("GET /me", ada)
    etag = before.headers["ETag"]
    assert operations.call("GET /me", ada, headers={"If-None-Match": etag}).status_code == 304
    body = {"username": Credentials.throwaway("renamed").username}
    changed = operations.call("PATCH /me", ada, json=body, headers={"If-Match": etag})
    assert changed.json() == before.json() | body
    stale = operations.call("PATCH /me", ada, json=body, headers={"If-Match": etag})
    assert problem(stale) == (412, "precondition_failed")


def test_roles_are_given_and_taken(operations: Operations, desk: Desk) -> None:
    role = desk.make_role("users:read")
    user, made = desk.make_user()
    user_id, before = made.json()["id"], user.log_in()
    given = desk.call(f"PUT {USER}/roles", user_id, made.headers["ETag"], json={"roles": [role]})
    assert given.json()["roles"] == [role]
    assert (
        operations.client.get("/me", headers={"Authorization": f"Bearer {before['access_token']}"}).status_code == 401
    )
    assert operations.call("GET /users", user.log_in()["access_token"]).status_code == 200
    token = user.log_in()["access_token"]
    assert desk.call(f"PATCH {ROLE}", role, json={"permissions": []}).json()["permissions"] == []
    assert operations.client.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert desk.call(f"DELETE {ROLE}", role).status_code == 204
    assert desk.call(f"GET {USER}", user_id).json()["roles"] == []
    assert problem(desk.call(f"PUT {USER}/roles", user_id, json={"roles": [role]})) == (409, "unknown_role")
    body = {**vars(Credentials.throwaway("late")), "roles": [role]}
    assert problem(desk.call("POST /users", json=body)) == (409, "unknown_role")


def test_roles_have_versions_and_names(desk: Desk) -> None:
    role = desk.make_role("users:read")
    etag = desk.call(f"GET {ROLE}", role).headers["ETag"]
    assert desk.call(f"GET {ROLE}", role, headers={"If-None-Match": etag}).status_code == 304
    body = {"name": role, "description": "", "permissions": []}
    assert problem(desk.call("POST /roles", json=body)) == (409, "role_taken")
    assert problem(desk.call("POST /roles", json={**body, "name": role.upper()})) == (409, "role_taken")
    assert desk.call(f"PATCH {ROLE}", role, etag).status_code == 200
    for label in OF_ROLES:
        assert problem(desk.call(label, role, etag)) == (412, "precondition_failed")
        assert problem(desk.call(label, role, None)) == (428, "precondition_required")
        assert problem(desk.call(label, "admin")) == (409, "role_is_built_in")
    for unknown in ("no-such-role", "%00", "%20"):
        for label in (f"GET {ROLE}", *OF_ROLES):
            assert problem(desk.call(label, unknown)) == (404, "role_not_found"), label


def test_nobody_reaches_beyond_their_own_permissions(operations: Operations, desk: Desk, limited: Desk) -> None:
    beyond = (403, "beyond_own_permissions")
    root = operations.call("GET /me", desk.who).json()["id"]
    for label in OF_USERS:
        assert problem(limited.call(label, root)) == beyond, label
    auditor = desk.make_role("audit:read")
    for label in OF_ROLES:
        assert problem(limited.call(label, auditor)) == beyond, label
    body = {"name": Credentials.throwaway("role").username, "description": "", "permissions": ["audit:read"]}
    assert problem(limited.call("POST /roles", json=body)) == beyond
    for role in ("admin", auditor):
        body = {**vars(Credentials.throwaway("puppet")), "roles": [role]}
        assert problem(limited.call("POST /users", json=body)) == beyond
    own = operations.call("GET /me", limited.who).json()
    assert problem(limited.call(f"PUT {USER}/roles", own["id"], json={"roles": [*own["roles"], "admin"]})) == beyond
    assert operations.call("GET /me", desk.who).json()["id"] == root


def test_a_role_that_is_not_held_takes_roles_grant(operations: Operations, desk: Desk, limited: Desk) -> None:
    """Other services may read it, whatever permissions it gives here."""
    beyond = (403, "beyond_own_permissions")
    role = desk.make_role()
    holder = desk.make_user(roles=[role])[1].json()["id"]
    own = operations.call("GET /me", limited.who).json()
    given = limited.call(f"PUT {USER}/roles", own["id"], json={"roles": [*own["roles"], role]})
    assert (problem(given), given.json()["missing_roles"]) == (beyond, [role])
    for label in OF_USERS:
        assert problem(limited.call(label, holder)) == beyond, label
    for label in OF_ROLES:
        assert problem(limited.call(label, role)) == beyond, label
    granting = desk.make_role("users:read", "users:write", "roles:read", "roles:write", "roles:grant")
    granter = Desk(operations, desk.make_user(roles=[granting])[0])
    assert granter.call(f"PUT {USER}/roles", holder, json={"roles": []}).status_code == 200
    assert granter.call(f"DELETE {ROLE}", role).status_code == 204
