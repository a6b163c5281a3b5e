"""The sandbox, on a server of the suite's own: its operations keep their contract too, and do what they are for."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .answers import Contract, address
from .deployment import Deployment
from .people import register
from .report import Report
from .runner import Plan, installed_checks, run_contract
from .server import QUICK, ostiary, running, wreck_database

pytestmark = pytest.mark.own_server

SANDBOX = QUICK | {
    "OSTIARY_SANDBOX": "true",
    "OSTIARY_WORKERS": "1",
    "OSTIARY_HASH_THREADS": "1",
    "OSTIARY_HASH_QUEUE": "1",
    "OSTIARY_ARGON2_MEMORY_KIB": "19456",
}
"""One hash may run and one may wait, so that a few logins at once are too many."""

NOT_APPLICABLE = {"ignored_auth", "object_level_authorization", "missing_required_header"}
"""Checks, on as all are, that find nothing to look at: these operations take no token and no header."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="module")
def sandbox(directory: Path) -> Iterator[Deployment]:
    with running([*ostiary(), "serve"], SANDBOX, directory) as process:
        yield Deployment.at(process.url, process=process)


def _own(document: dict[str, Any]) -> dict[str, Any]:
    paths = {path: item for path, item in document["paths"].items() if path.startswith("/sandbox/")}
    return {**document, "paths": paths}


def test_its_operations_keep_their_contract(sandbox: Deployment, max_examples: int) -> None:
    plan = Plan(
        max_examples=max_examples,
        phases=("examples", "coverage", "fuzzing"),
        checks=set(installed_checks()) - NOT_APPLICABLE,
    )
    report = Report(on_answer=partial(sandbox.watch.note, by="Schemathesis"))
    run_contract(sandbox.base_url, _own(sandbox.contract), [], plan, report=report)
    assert report.is_clean, report.failures()


def test_every_operation_may_be_limited(sandbox: Deployment) -> None:
    """A client's tests meet 429 on whatever operation they choose."""
    contract = Contract(sandbox.contract)
    with sandbox.client() as client:
        for label, operation in sandbox.operations.items():
            if label.split(" ")[1] in _own(sandbox.contract)["paths"]:
                continue
            assert "429" in operation["responses"], label
            assert client.post("/sandbox/next-error", json={"code": "rate_limited"}).status_code == 204
            method, path = label.split(" ")
            answer = client.request(method, address(path))
            assert (answer.status_code, contract.faults(method, path, answer)) == (429, []), label
            assert int(answer.headers["Retry-After"]) > 0


def test_a_day_passes_in_a_moment_and_a_reset_takes_it_back(sandbox: Deployment) -> None:
    with sandbox.client() as client:
        client.post("/sandbox/reset")
        user = register("sleeper", client)
        headers = {"Authorization": f"Bearer {user.token()}"}
        assert client.get("/protected", headers=headers).status_code == 200
        assert client.post("/sandbox/clock", json={"advance_seconds": 86400}).json()["ahead_seconds"] == 86400
        assert client.get("/protected", headers=headers).json()["code"] == "invalid_token"
        assert client.post("/sandbox/reset").status_code == 204
        assert client.post("/sandbox/clock", json={"advance_seconds": 1}).json()["ahead_seconds"] == 1
        assert client.post("/login", json=vars(user.credentials)).status_code == 401


def _reset_while_many_log_in(sandbox: Deployment, contract: Contract) -> None:
    """Reset until that is refused because too many passwords wait: a reset makes the example administrator anew."""
    done = threading.Event()

    def log_in(_: int) -> None:
        with sandbox.client() as client:
            while not done.is_set():
                client.post("/login", json={"username": "nobody", "password": "not-a-password-of-anybody"})

    with ThreadPoolExecutor(8) as pool, sandbox.client() as client:
        busy = pool.map(log_in, range(8))
        try:
            for _ in range(100):
                answer = client.post("/sandbox/reset")
                assert contract.faults("POST", "/sandbox/reset", answer) == []
                if answer.status_code == 503:
                    assert answer.json()["code"] == "overloaded"
                    break
        finally:
            done.set()
        list(busy)


def test_every_answer_of_its_operations_was_reached(sandbox: Deployment, directory: Path) -> None:
    """By the tests above, and here what a generator does not send; at last the database is wrecked."""
    contract = Contract(sandbox.contract)
    with sandbox.client() as client:
        for path, item in _own(sandbox.contract)["paths"].items():
            if "requestBody" in item["post"]:
                for content in (b"{", b" " * 70_000):
                    answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
                    assert contract.faults("POST", path, answer) == []
        while client.post("/sandbox/clock", json={"advance_seconds": 300_000_000}).status_code == 200:
            pass
        _reset_while_many_log_in(sandbox, contract)
        wreck_database(directory)
        answer = client.post("/sandbox/reset")
        assert (answer.status_code, contract.faults("POST", "/sandbox/reset", answer)) == (503, [])
    own = {f"POST {path}" for path in _own(sandbox.contract)["paths"]}
    assert [answer for answer in sandbox.watch.unreached() if answer.operation in own] == []
