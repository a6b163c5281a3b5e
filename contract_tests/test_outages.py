"""Answers that need a server of the suite's own: a wrecked database, a full queue, a login of long ago, too weak a
service client.
"""

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from .answers import Contract, address
from .deployment import Deployment
from .people import Credentials, User, register
from .server import QUICK, create_administrator, create_service_client, ostiary, running, wreck_database

pytestmark = pytest.mark.own_server

TIMEOUT = 60.0
ON_EVERY_WORKER = 16
"""Requests on new connections after which every worker has answered some."""
FRESH = 1
"""Seconds for which a login counts as recent on the strict server."""

STRICT = {
    "OSTIARY_PROFILE": "production",
    "OSTIARY_PORT": "0",
    "OSTIARY_ISSUER": "http://127.0.0.1",
    "OSTIARY_SECRET_KEY": "a secret of the contract tests, long enough",
    "OSTIARY_CONTRACT_CHECKS": "raise",
    "OSTIARY_WORKERS": "1",
    "OSTIARY_HASH_THREADS": "1",
    "OSTIARY_HASH_QUEUE": "1",
    "OSTIARY_ARGON2_MEMORY_KIB": "65536",
    "OSTIARY_ARGON2_TIME_COST": "4",
    "OSTIARY_FRESH_LOGIN_SECONDS": str(FRESH),
}
"""The production profile with dear hashes, of which only one may wait."""

ADMINISTRATOR = Credentials.throwaway("admin")

JWKS = "GET /.well-known/jwks.json"


class Server:
    """A server whose answers count for the contract of `deployment`, and are compared with it."""

    def __init__(self, base_url: str, deployment: Deployment) -> None:
        self.client = deployment.watch.client(base_url, TIMEOUT)
        self._contract = Contract(deployment.contract)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def call(self, label: str, where: str = "", **kwargs: Any) -> httpx.Response:
        """Send a request to the operation named like `POST /login`. where: its path, if the parameters matter."""
        method, path = label.split(" ")
        answer = self.client.request(method, where or address(path), **kwargs)
        assert self._contract.faults(method, path, answer) == [], label
        return answer

    def everywhere(self, label: str, headers: dict[str, str]) -> set[int]:
        """Call an operation on every worker and return the statuses."""
        closing = {**headers, "Connection": "close"}
        return {self.call(label, headers=closing).status_code for _ in range(ON_EVERY_WORKER)}


@pytest.fixture(scope="module")
def strict(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("strict")
    database = {"OSTIARY_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/ostiary.db"}
    create_administrator(STRICT | database, directory, ADMINISTRATOR)
    command = [*ostiary(), "serve"]
    with running(command, STRICT | database, directory) as process, Server(process.url, deployment) as server:
        yield server


def _body(credentials: Credentials) -> dict[str, str]:
    return {"username": credentials.username, "password": credentials.password}


ASKING_FOR_HASHES = ["POST /register", "POST /login", "POST /me/password", "POST /me/reauthenticate", "POST /users"]


@pytest.mark.parametrize("label", ASKING_FOR_HASHES)
def test_more_passwords_than_may_wait_are_turned_away(strict: Server, label: str) -> None:
    together = threading.Barrier(8)
    user = register("crowd", strict.client)
    bodies = {
        "POST /me/password": {"current_password": "wrong", "new_password": user.credentials.password},
        "POST /me/reauthenticate": {"password": "wrong"},
    }
    caller = User("administrator", strict.client, ADMINISTRATOR) if label == "POST /users" else user
    headers = {"Authorization": f"Bearer {caller.token()}"}

    def call(_: int) -> httpx.Response:
        together.wait()
        return strict.call(label, json=bodies.get(label, _body(Credentials.throwaway("crowd"))), headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(8)))
    turned_away = [answer for answer in answers if answer.status_code == 503]
    assert turned_away
    assert {answer.json()["code"] for answer in turned_away} == {"overloaded"}
    assert len(turned_away) < len(answers)  # the others were served


def test_a_common_password_is_refused_in_production(strict: Server) -> None:
    answer = strict.call("POST /register", json={"username": "careless", "password": "password123"})
    assert (answer.status_code, answer.json()["code"]) == (422, "password_too_common")


def test_a_password_is_not_changed_to_a_common_one_in_production(strict: Server) -> None:
    user = register("careless", strict.client)
    body = {"current_password": user.credentials.password, "new_password": "password123"}
    answer = strict.call("POST /me/password", json=body, headers={"Authorization": f"Bearer {user.token()}"})
    assert (answer.status_code, answer.json()["code"]) == (422, "password_too_common")


def test_no_user_is_made_with_a_common_password_in_production(strict: Server) -> None:
    administrator = User("administrator", strict.client, ADMINISTRATOR)
    body = {"username": "careless", "password": "password123"}
    answer = strict.call("POST /users", json=body, headers={"Authorization": f"Bearer {administrator.token()}"})
    assert (answer.status_code, answer.json()["code"]) == (422, "password_too_common")


@pytest.mark.parametrize(
    ("label", "body"),
    [
        ("DELETE /me", None),
        ("DELETE /users/{user_id}", None),
        ("PATCH /users/{user_id}", {"disabled": True}),
        ("PUT /users/{user_id}/roles", {"roles": []}),
    ],
)
def test_the_last_administrator_stays(strict: Server, label: str, body: dict[str, Any] | None) -> None:
    token = User("administrator", strict.client, ADMINISTRATOR).token_of_a_new_session()
    bearer = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    me = strict.call("GET /me", headers=bearer).json()["id"]
    kwargs = {} if body is None else {"json": body}
    answer = strict.call(label, headers=bearer, where=label.split(" ")[1].replace("{user_id}", me), **kwargs)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")


def test_a_log_in_of_long_ago_does_not_delete_an_account(strict: Server) -> None:
    user = register("late", strict.client)
    bearer = {"Authorization": f"Bearer {user.token()}"}
    time.sleep(FRESH + 0.5)
    refused = strict.call("DELETE /me", headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    assert f'max_age="{FRESH}"' in refused.headers["WWW-Authenticate"]
    assert strict.call("GET /me", headers=bearer).status_code == 200


def test_a_service_client_that_may_only_ask_ends_nothing(deployment: Deployment, tmp_path: Path) -> None:
    asking = {"Authorization": create_service_client(QUICK, tmp_path, may_revoke=False).authorization}
    with running([*ostiary(), "serve"], QUICK, tmp_path) as process, Server(process.url, deployment) as server:
        token = register("kept", server.client).token()
        refused = server.call("POST /oauth/revoke", headers=asking, data={"token": token})
        assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
        asked = server.call("POST /oauth/introspect", headers=asking, data={"token": token})
        assert asked.json()["active"] is True


def test_nothing_is_answered_from_a_database_that_is_wrecked(deployment: Deployment, tmp_path: Path) -> None:
    """Each operation that asks the database answers 503 and Retry-After, and none lets anybody in.

    Nothing can be revoked without the database, so for a moment workers may still know from memory who calls.
    """
    service = create_service_client(QUICK, tmp_path)
    with running([*ostiary(), "serve"], QUICK, tmp_path) as process, Server(process.url, deployment) as server:
        user = register("unlucky", server.client)
        bearer = {"Authorization": f"Bearer {user.token()}"}
        bodies = {"POST /refresh": {"refresh_token": "x" * 43}}
        # A connection that has seen the file before its first change takes a wrecked index for that state.
        assert server.everywhere("GET /readyz", {}) == {200}
        wreck_database(tmp_path)
        deadline = time.monotonic() + TIMEOUT
        while server.everywhere("GET /protected", bearer) != {503}:
            assert time.monotonic() < deadline
        asking = {answer.operation for answer in deployment.watch.documented if answer.code == "database_unavailable"}
        asking -= {JWKS}  # a running server has read its keys
        assert len(asking) >= 8
        for label in sorted(asking):
            found = deployment.operations[label]
            body = {"json": bodies.get(label, _body(user.credentials))} if "requestBody" in found else {}
            headers = bearer if found["security"] else {}
            if label in deployment.for_services:
                body, headers = {"data": {"token": "x"}}, {"Authorization": service.authorization}
            for _ in range(4):
                answer = server.call(label, headers=headers, **body)
                assert answer.status_code == 503, f"{label}: {answer.text}"
                assert answer.json()["code"] == "database_unavailable", label
        assert server.call("GET /healthz").status_code == 200
        deployment.watch.registered.pop(user.credentials.username)  # went down with the database


def test_a_server_that_has_not_read_its_keys_publishes_none(deployment: Deployment, tmp_path: Path) -> None:
    """Under plain WSGI the keys are read with the first request that needs them."""
    flask = [sys.executable, "-m", "flask", "--app", "ostiary.app", "run", "--port", "0"]
    with running(flask, QUICK, tmp_path) as process, Server(process.url, deployment) as server:
        wreck_database(tmp_path)
        answer = server.call(JWKS)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
