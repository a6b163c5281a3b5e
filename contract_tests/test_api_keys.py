"""API keys: they open what their scopes allow and nothing else, and nothing at all once they are revoked."""

import os
import re
import string
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from .answers import Contract, address
from .deployment import Deployment
from .people import User, register

KEYS = "/me/api-keys"
ONE_KEY = "/me/api-keys/{api_key_id}"
FORM = re.compile(r"ost_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}")
UNKNOWN = "00000000-0000-7000-8000-000000000000"
EACH_WORKER = 16
"""Requests, each on a connection of its own, after which every worker of a small server has had one."""
MOST = 100
ROUNDS = 20
"""How often requests are sent at once until one has met another that is under way."""


class Keys:
    """Calls operations with one credential or another, and compares each answer with the contract."""

    def __init__(self, deployment: Deployment) -> None:
        self.operations = deployment.operations
        self._deployment = deployment
        self._contract = Contract(deployment.contract)

    def call(self, label: str, credential: str, api_key_id: str = "", **kwargs: Any) -> httpx.Response:
        """Call an operation, on a connection of its own."""
        method, path = label.split(" ")
        headers = {"Authorization": f"Bearer {credential}", **kwargs.pop("headers", {})}
        where = path.replace("{api_key_id}", api_key_id) if api_key_id else address(path)
        with self._deployment.client() as client:
            answer = client.request(method, where, headers=headers, **kwargs)
        assert self._contract.faults(method, path, answer) == [], label
        return answer

    def create(self, owner: User, *scopes: str, headers: dict[str, str] | None = None, name: str = "robot") -> Any:
        """Make an API key."""
        body = {"name": name, "scopes": scopes, "expires_in_days": 1}
        return self.call(f"POST {KEYS}", owner.token(), json=body, headers=headers or {})

    def made(self, owner: User, *scopes: str) -> dict[str, Any]:
        """Make an API key and return it."""
        answer = self.create(owner, *scopes)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def revoke(self, credential: str, api_key_id: str) -> httpx.Response:
        """Revoke an API key."""
        return self.call(f"DELETE {ONE_KEY}", credential, api_key_id)

    def statuses(self, key: str) -> set[int]:
        """Return what every worker answers to a key."""
        return {self.call("GET /protected", key).status_code for _ in range(EACH_WORKER)}

    def accepting(self, scheme: str) -> list[tuple[str, list[str]]]:
        """Return the operations that accept a scheme, each with what it needs."""
        return [
            (label, one[scheme])
            for label, operation in self.operations.items()
            for one in operation["security"]
            if scheme in one
        ]


@pytest.fixture(scope="module")
def keys(deployment: Deployment) -> Keys:
    return Keys(deployment)


@pytest.fixture
def owner(deployment: Deployment) -> Iterator[User]:
    """Somebody who has no API key yet."""
    with deployment.client() as client:
        yield register("owner", client)


def test_a_key_is_shown_once(keys: Keys, owner: User) -> None:
    answer = keys.create(owner, "me:read")
    made = answer.json()
    assert FORM.fullmatch(made["api_key"])
    assert answer.headers["Location"].endswith(f"{KEYS}/{made['id']}")
    listed = keys.call(f"GET {KEYS}", owner.token())
    assert [one["id"] for one in listed.json()["api_keys"]] == [made["id"]]
    assert made["api_key"] not in listed.text


def test_a_key_opens_what_its_scopes_allow(keys: Keys, owner: User) -> None:
    key = keys.made(owner, "me:read")["api_key"]
    me = keys.call("GET /me", key)
    assert me.json()["username"] == owner.credentials.username
    assert keys.statuses(key) == {200}


def test_beyond_its_scopes_it_opens_nothing(keys: Keys, owner: User) -> None:
    bare = keys.made(owner)["api_key"]
    accepting = keys.accepting("apiKeyAuth")
    assert len(accepting) >= 5
    for label, needed in accepting:
        answer = keys.call(label, bare)
        if any(":" in one for one in needed):
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), label
            assert answer.json()["held_scopes"] == [], label
        elif needed:
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_role"), label


def test_where_a_person_is_needed_it_is_not_enough(keys: Keys, owner: User) -> None:
    key = keys.made(owner, "me:read", "me:write")["api_key"]
    with_key = {label for label, _ in keys.accepting("apiKeyAuth")}
    persons = [label for label, _ in keys.accepting("bearerAuth") if label not in with_key]
    assert len(persons) >= 4
    for label in persons:
        answer = keys.call(label, key)
        assert answer.status_code == 401, label
        assert answer.json()["code"] in ("insufficient_user_authentication", "insufficient_scope"), label
    assert keys.statuses(key) == {200}  # it was refused there alone


def test_a_revoked_key_is_refused_by_every_worker(keys: Keys, owner: User) -> None:
    made, other = keys.made(owner, "me:write"), keys.made(owner, "me:read")
    assert keys.statuses(made["api_key"]) == keys.statuses(other["api_key"]) == {200}
    assert keys.revoke(made["api_key"], made["id"]).status_code == 204  # by itself
    assert keys.statuses(made["api_key"]) == {401}
    assert keys.statuses(other["api_key"]) == {200}
    assert keys.revoke(owner.token(), made["id"]).status_code == 404


def test_the_keys_of_a_deleted_user_are_refused_by_every_worker(keys: Keys, owner: User) -> None:
    key = keys.made(owner, "me:read")["api_key"]
    assert keys.statuses(key) == {200}
    assert keys.call("DELETE /me", owner.token()).status_code == 204
    assert keys.statuses(key) == {401}


def test_forged_and_mistyped_keys_are_refused(keys: Keys, owner: User) -> None:
    key = keys.made(owner, "me:read")["api_key"]
    letters = string.ascii_letters + string.digits
    forged = [key[:place] + letters[letters.find(key[place]) - 1] + key[place + 1 :] for place in range(len(key))]
    forged += [key[:-1], key + "0", key[4:], key.upper(), key.lower(), "ost_", "ost_" + "A" * 49, "ost_" * 1000]
    forged += [owner.token().replace(".", "_"), f"ost_{owner.token()}"]
    for one in forged:
        answer = keys.call("GET /protected", one)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token"), one
    assert keys.call("GET /protected", key).status_code == 200


def test_nobody_else_sees_or_revokes_a_key(keys: Keys, owner: User, people: list[User]) -> None:
    made, stranger = keys.made(owner, "me:read"), people[0]
    assert made["id"] not in keys.call(f"GET {KEYS}", stranger.token()).text
    for unknown in (made["id"], UNKNOWN, "nonsense", "%00", "%2e%2e%5c"):
        answer = keys.revoke(stranger.token(), unknown)
        assert (answer.status_code, answer.json()["code"]) == (404, "api_key_not_found"), unknown
    assert keys.call("GET /me", made["api_key"]).status_code == 200


def test_nobody_gives_a_key_more_than_they_have(keys: Keys, owner: User) -> None:
    answer = keys.create(owner, "me:read", "users:write")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_held")
    assert answer.json()["missing_scopes"] == ["users:write"]


def test_nobody_has_more_keys_than_they_may(keys: Keys, owner: User) -> None:
    for _ in range(MOST):
        last = keys.made(owner)
    answer = keys.create(owner)
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (409, "too_many_api_keys", MOST)
    assert keys.revoke(owner.token(), last["id"]).status_code == 204
    assert keys.create(owner).status_code == 201


def test_a_request_under_an_idempotency_key_makes_one_key(keys: Keys, owner: User) -> None:
    headers = {"Idempotency-Key": os.urandom(16).hex()}
    first, again = (keys.create(owner, "me:read", headers=headers) for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    reused = keys.create(owner, "me:read", headers=headers, name="another")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    malformed = keys.create(owner, "me:read", headers={"Idempotency-Key": "two words"})
    assert (malformed.status_code, malformed.json()["code"]) == (400, "idempotency_key_malformed")


def test_of_many_at_once_under_an_idempotency_key_one_makes_a_key(keys: Keys, owner: User) -> None:
    owner.token()
    for _ in range(ROUNDS):
        headers, together = {"Idempotency-Key": os.urandom(16).hex()}, threading.Barrier(EACH_WORKER)

        def send(_: int, headers: dict[str, str] = headers, together: threading.Barrier = together) -> httpx.Response:
            together.wait()
            answer: httpx.Response = keys.create(owner, headers=headers)
            return answer

        with ThreadPoolExecutor(EACH_WORKER) as pool:
            answers = list(pool.map(send, range(EACH_WORKER)))
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        if in_use := [answer for answer in answers if answer.status_code == 409]:
            assert {answer.json()["code"] for answer in in_use} == {"idempotency_key_in_use"}
            return
    raise AssertionError(f"no request has met another under way in {ROUNDS} rounds")
