"""The operations that somebody must be logged in for: bad bodies and queries, sessions, passwords, step-up."""

from collections.abc import Iterator
from typing import Any

import pytest

from .deployment import Deployment
from .people import User, register
from .persons import Operations

JSON = {"Content-Type": "application/json"}
EACH_WORKER = 8
"""Requests after which every worker of a small server has had one, with a connection for each."""

BAD_BODIES: dict[str, tuple[dict[str, Any], int, str]] = {
    "not JSON": ({"content": b'{"a":', "headers": JSON}, 400, "malformed_json"),
    "two members of one name": ({"content": b'{"a":1,"a":2}', "headers": JSON}, 400, "malformed_json"),
    "too large": ({"content": b" " * 65537, "headers": JSON}, 413, "body_too_large"),
    "a form": ({"data": {"a": "1"}}, 415, "unsupported_media_type"),
    "an unknown member": ({"json": {"no_such_member": 1}}, 422, "validation_failed"),
    "no object": ({"json": []}, 422, "validation_failed"),
}


@pytest.fixture(scope="module")
def operations(deployment: Deployment) -> Iterator[Operations]:
    with deployment.client() as client:
        yield Operations(deployment, client)


@pytest.fixture
def ada(operations: Operations) -> User:
    """A user of the test's own."""
    return register("ada", operations.client)


def able(deployment: Deployment, people: list[User], label: str) -> User | None:
    """Return somebody who may call the operation: an administrator, if one is known, where that is needed."""
    if label not in deployment.privileged:
        return people[0]
    return people[-1] if deployment.administrator else None


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies_are_refused(operations: Operations, deployment: Deployment, people: list[User], name: str) -> None:
    sent, status, code = BAD_BODIES[name]
    assert operations.with_body()
    for label in operations.with_body():
        user = able(deployment, people, label)
        if user is not None:
            answer = operations.call(label, user, **{**sent, "headers": dict(sent.get("headers", {}))})
            assert (answer.status_code, answer.json()["code"]) == (status, code), label


def test_unknown_parameters_of_the_query_are_refused(
    operations: Operations, deployment: Deployment, people: list[User]
) -> None:
    assert operations.documenting("invalid_query")
    for label in operations.documenting("invalid_query"):
        user = able(deployment, people, label)
        if user is not None:
            answer = operations.call(label, user, params={"no_such_parameter": "1"})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_query"), label
            assert answer.json()["errors"][0]["parameter"] == "no_such_parameter"


def refused_everywhere(deployment: Deployment, token: str) -> bool:
    """Return whether every worker refuses the token at the next request."""
    for _ in range(EACH_WORKER):
        with deployment.client() as client:
            if client.get("/protected", headers={"Authorization": f"Bearer {token}"}).status_code != 401:
                return False
    return True


def test_a_person_sees_and_ends_their_sessions(operations: Operations, deployment: Deployment, ada: User) -> None:
    here, there, third = (ada.log_in() for _ in range(3))
    listed = operations.call("GET /me/sessions", here["access_token"]).json()["sessions"]
    assert {one["id"] for one in listed} == {one["session_id"] for one in (here, there, third)}
    assert [one["id"] for one in listed if one["current"]] == [here["session_id"]]

    one = "DELETE /me/sessions/{session_id}"
    where = f"/me/sessions/{there['session_id']}"
    assert operations.call(one, here["access_token"], where).status_code == 204
    assert refused_everywhere(deployment, there["access_token"])
    assert operations.call(one, here["access_token"], where).json()["code"] == "session_not_found"

    assert operations.call("DELETE /me/sessions", here["access_token"]).json()["ended_sessions"] == 1
    assert refused_everywhere(deployment, third["access_token"])
    every = operations.call("DELETE /me/sessions", here["access_token"], params={"which": "all"})
    assert every.json() == {"ended_sessions": 1}
    assert refused_everywhere(deployment, here["access_token"])


def test_the_session_of_another_user_is_not_found(operations: Operations, people: list[User], ada: User) -> None:
    pair = ada.log_in()
    where = f"/me/sessions/{pair['session_id']}"
    answer = operations.call("DELETE /me/sessions/{session_id}", people[1], where)
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    assert operations.call("GET /me", pair["access_token"]).status_code == 200


def test_a_new_password_ends_the_other_sessions(operations: Operations, deployment: Deployment, ada: User) -> None:
    here, there = ada.log_in(), ada.log_in()
    present = ada.credentials.password
    body = {"current_password": present, "new_password": present}  # so that the run can remove the user
    changed = operations.call("POST /me/password", here["access_token"], json=body)
    assert (changed.status_code, changed.json()["ended_sessions"]) == (200, 1)
    assert refused_everywhere(deployment, there["access_token"])
    assert operations.call("GET /me", here["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("label", "body"),
    [
        ("POST /me/password", {"current_password": "wrong", "new_password": "correct horse battery"}),
        ("POST /me/reauthenticate", {"password": "wrong"}),
    ],
)
def test_a_wrong_current_password_is_refused(
    operations: Operations, ada: User, label: str, body: dict[str, str]
) -> None:
    answer = operations.call(label, ada, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")


def test_proving_again_who_one_is_gives_a_token(operations: Operations, ada: User) -> None:
    pair = ada.log_in()
    body = {"password": ada.credentials.password}
    renewed = operations.call("POST /me/reauthenticate", pair["access_token"], json=body).json()
    assert renewed["session_id"] == pair["session_id"]
    assert operations.call("GET /me", renewed["access_token"]).status_code == 200
    assert operations.call("GET /me", pair["access_token"]).status_code == 200
