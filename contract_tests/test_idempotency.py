"""A request that is sent again under its Idempotency-Key: the first answer, or a refusal that the contract names."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .answers import Contract
from .deployment import Deployment
from .people import Credentials

HEADER = "Idempotency-Key"
REGISTER = "/register"
AT_ONCE = 16
ROUNDS = 20
"""How often requests are sent at once until one has met another that is under way."""

TOO_LONG = "k" * 129
MALFORMED = ("two words", '""', '"', '"a', '"a", "b"', '"a";b=1', TOO_LONG, f'"{TOO_LONG}"', b"\xc3\xa4", "back\\slash")


class Registrations:
    """Sends registrations and compares each answer with the contract."""

    def __init__(self, deployment: Deployment, client: httpx.Client) -> None:
        self._client = client
        self._contract = Contract(deployment.contract)

    def send(self, credentials: Credentials, key: str | bytes) -> httpx.Response:
        """Register under a key."""
        body = {"username": credentials.username, "password": credentials.password}
        answer = self._client.post(REGISTER, json=body, headers={HEADER: key})
        assert self._contract.faults("POST", REGISTER, answer) == []
        return answer

    def log_in(self, credentials: Credentials) -> int:
        """Return the status of a login."""
        body = {"username": credentials.username, "password": credentials.password}
        return self._client.post("/login", json=body).status_code


@pytest.fixture(scope="module")
def registrations(deployment: Deployment) -> Iterator[Registrations]:
    with deployment.client() as client:
        yield Registrations(deployment, client)


@pytest.fixture
def key() -> str:
    return os.urandom(16).hex()


@pytest.fixture
def ada() -> Credentials:
    return Credentials.throwaway("ada")


def test_the_operations_that_take_a_key_say_all_that_can_come_of_it(deployment: Deployment) -> None:
    found = {
        label: operation
        for label, operation in deployment.operations.items()
        if any(parameter["name"] == HEADER for parameter in operation.get("parameters", ()))
    }
    assert f"POST {REGISTER}" in found
    for label, operation in found.items():
        for code in ("malformed", "in_use", "reused"):
            assert f"idempotency_key_{code}" in str(operation["responses"]), label


def test_a_repetition_gets_the_first_answer(registrations: Registrations, ada: Credentials, key: str) -> None:
    first = registrations.send(ada, f'"{key}"')
    assert (first.status_code, first.headers.get("Idempotent-Replayed")) == (201, None)
    for written in (f'"{key}"', key):
        again = registrations.send(ada, written)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert registrations.log_in(ada) == 200


def test_a_stranger_with_the_same_key_learns_nothing(registrations: Registrations, ada: Credentials, key: str) -> None:
    registrations.send(ada, key)
    stranger = Credentials.throwaway("stranger")
    guessing = Credentials(ada.username, stranger.password)
    for other in (stranger, guessing):
        answer = registrations.send(other, key)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert ada.username not in answer.text
        assert registrations.log_in(other) == 401


def test_a_refusal_frees_the_key(registrations: Registrations, ada: Credentials, key: str) -> None:
    registrations.send(ada, os.urandom(16).hex())
    answer = registrations.send(ada, key)
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    assert registrations.send(Credentials.throwaway("ada"), key).status_code == 201


@pytest.mark.parametrize("written", MALFORMED, ids=lambda written: repr(written)[:20])
def test_a_malformed_key_is_refused(registrations: Registrations, ada: Credentials, written: str | bytes) -> None:
    answer = registrations.send(ada, written)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")
    assert registrations.log_in(ada) == 401


def test_of_many_at_once_one_is_done_and_the_others_wait_or_get_its_answer(registrations: Registrations) -> None:
    codes: set[str] = set()
    for _ in range(ROUNDS):
        answers = _at_once(registrations, Credentials.throwaway("crowd"), os.urandom(16).hex())
        done = [answer for answer in answers if answer.status_code == 201]
        assert len({answer.content for answer in done}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in done) == 1
        waiting = [answer for answer in answers if answer.status_code != 201]
        assert {answer.status_code for answer in waiting} <= {409}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in waiting)
        codes |= {answer.json()["code"] for answer in waiting}
        if codes:
            break
    assert codes == {"idempotency_key_in_use"}


def _at_once(registrations: Registrations, credentials: Credentials, key: str) -> list[httpx.Response]:
    together = threading.Barrier(AT_ONCE)

    def call(_: int) -> httpx.Response:
        together.wait()
        return registrations.send(credentials, key)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(call, range(AT_ONCE)))
