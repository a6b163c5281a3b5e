"""Every answer is what the contract says: Schemathesis on all its phases with all its checks."""

from collections.abc import Callable, Iterator
from functools import partial
from operator import methodcaller

import pytest

from .answers import Contract, address
from .creations import Maker
from .deployment import Deployment
from .people import User
from .progress import Progress
from .report import Report
from .runner import PHASES, Plan, configuration, disabled_checks, installed_checks, load, run_contract

SPENDING = {
    "POST /logout": methodcaller("token_of_a_new_session"),
    "DELETE /me": methodcaller("token_of_a_new_user"),
    "PATCH /me": methodcaller("token_of_a_new_user"),
    "DELETE /me/sessions": methodcaller("token_that_may_end"),
    "DELETE /me/sessions/{session_id}": methodcaller("token_that_may_end"),
}


@pytest.fixture(scope="module")
def plan(
    deployment: Deployment, people: list[User], seed: int, max_examples: int, time_budget: int | None
) -> Iterator[Plan]:
    with deployment.client() as client:
        yield Plan(
            spending=SPENDING,
            privileged=deployment.privileged,
            service=deployment.service,
            maker=Maker(client, people[-1]) if deployment.administrator else None,
            seed=seed,
            max_examples=max_examples,
            seconds=time_budget,
            show_tokens=deployment.process is not None,
        )


@pytest.fixture(scope="module")
def report(
    deployment: Deployment, people: list[User], plan: Plan, lines: list[str], tell: Callable[[str], None]
) -> Report:
    """What a whole run has found."""
    found = run_contract(
        deployment.base_url,
        deployment.contract,
        people,
        plan,
        report=Report(on_answer=partial(deployment.watch.note, by="Schemathesis")),
        on_event=Progress(tell, plan.seconds),
    )
    lines += [f"contract seed: {plan.seed}", *found.summary().splitlines()]
    return found


def test_no_check_of_the_installed_version_is_off(deployment: Deployment, plan: Plan) -> None:
    schema = load(deployment.contract, configuration(deployment.base_url, plan, PHASES, 1))
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
    refused = [] if deployment.administrator else deployment.privileged
    refused = refused + ([] if deployment.service else deployment.for_services)
    assert failed == set(refused)


def test_every_protected_operation_refused_who_has_no_token(report: Report) -> None:
    assert {label for label in report.protected if 401 not in report.reached(label)} == set()


def test_privileged_operations_refuse_who_lacks_the_role(deployment: Deployment, people: list[User]) -> None:
    assert deployment.privileged
    headers = {"Authorization": f"Bearer {people[0].token()}"}
    contract = Contract(deployment.contract)
    for label in deployment.privileged:
        method, path = label.split(" ")
        with deployment.client() as client:
            answer = client.request(method, address(path), headers=headers)
        assert answer.status_code == 403, label
        assert contract.faults(method, path, answer) == []
