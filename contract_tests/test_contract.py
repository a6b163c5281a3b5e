"""Every answer is what the contract says: Schemathesis on all its phases with all its checks."""

import httpx
import pytest

from contract_tests.answers import Contract
from contract_tests.conftest import Deployment
from contract_tests.people import User
from contract_tests.report import Report
from contract_tests.runner import PHASES, configuration, disabled_checks, installed_checks, load, run_contract

ENDS_SESSION = ("POST /logout",)


@pytest.fixture(scope="module")
def report(deployment: Deployment, people: list[User], seed: int, max_examples: int, lines: list[str]) -> Report:
    """What a whole run has found."""
    found = run_contract(
        deployment.base_url,
        deployment.contract,
        people,
        ends_session=ENDS_SESSION,
        privileged=deployment.privileged,
        seed=seed,
        max_examples=max_examples,
        show_tokens=deployment.process is not None,
    )
    lines += [f"contract seed: {seed}", *found.summary().splitlines()]
    return found


def test_no_check_of_the_installed_version_is_off(deployment: Deployment) -> None:
    schema = load(deployment.contract, configuration(deployment.base_url, 1, 1))
    assert not disabled_checks(schema)
    assert len(installed_checks()) >= 15


def test_every_answer_is_what_the_contract_says(report: Report, deployment: Deployment) -> None:
    log = f"\n\nthe end of the server's log:\n{deployment.process.output[-4000:]}" if deployment.process else ""
    assert report.is_clean, f"{report.failures()}{log}"


@pytest.mark.parametrize("phase", PHASES)
def test_the_phase_ran(report: Report, phase: str) -> None:
    assert report.phases[phase] == "success"
    assert report.cases[phase] > 0


@pytest.mark.parametrize("check", installed_checks())
def test_the_check_was_applied(report: Report, check: str) -> None:
    assert report.checks[check] > 0


def test_every_operation_was_reached_and_succeeded(report: Report, deployment: Deployment) -> None:
    """Authentication works: a run that only collects refusals proves little."""
    failed = {label for label in deployment.operations if not any(status < 300 for status in report.reached(label))}
    assert failed == (set() if deployment.administrator else set(deployment.privileged))


def test_every_protected_operation_refused_who_has_no_token(report: Report) -> None:
    assert {label for label in report.protected if 401 not in report.reached(label)} == set()


def test_privileged_operations_refuse_who_lacks_the_role(deployment: Deployment, people: list[User]) -> None:
    assert deployment.privileged
    headers = {"Authorization": f"Bearer {people[0].token()}"}
    contract = Contract(deployment.contract)
    for label in deployment.privileged:
        method, path = label.split(" ")
        with httpx.Client(base_url=deployment.base_url, timeout=30) as client:
            answer = client.request(method, path.replace("{", "").replace("}", ""), headers=headers)
        assert answer.status_code == 403, label
        assert contract.faults(method, path, answer) == []
