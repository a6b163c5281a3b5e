"""Runs Schemathesis on all its phases with all its checks, against any base URL and OpenAPI document."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig, _checks
from schemathesis.core.result import Err
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.engine.run import TESTING_PHASES, PhaseName

from . import creations, idempotency, names
from .authentication import Spending, authenticate
from .people import Person
from .report import Report
from .services import ServiceClient

PHASES = tuple(phase.value for phase in TESTING_PHASES)
"""examples, coverage, fuzzing, stateful: whatever the installed version has."""

STATEFUL = PhaseName.STATEFUL_TESTING.value

ENDLESS = (PhaseName.FUZZING.value, STATEFUL)
"""The phases that find new cases for as long as they are given time."""

FEW = 5
"""Cases for each operation before a time budget is looked at: every phase has run then, however slow the machine."""

SLOWEST_ANSWER = 10.0
"""Seconds: the limit of the check max_response_time, off without one. It is to find what hangs, not slow machines."""

THOROUGHLY: dict[str, dict[str, bool]] = {
    "examples": {"fill-missing": True},
    "coverage": {"generate-duplicate-query-parameters": True},
}
"""What the phases can do beyond their defaults."""

CONDITIONS: dict[str, dict[str, list[str]]] = {
    check: {"expected-statuses": [*expected, status]}
    for check, expected, status in (
        ("positive_data_acceptance", _checks.POSITIVE_DATA_ACCEPTANCE_EXPECTED_STATUSES, "412"),
        ("negative_data_rejection", _checks.NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES, "412"),
        ("missing_required_header", _checks.MISSING_REQUIRED_HEADER_EXPECTED_STATUSES, "428"),
    )
}
"""What the checks expect by default, and what If-Match brings: no schema tells which version is the present one (412,
RFC 9110 section 13.1.1), and who sends none is told so by a status of its own (428, RFC 6585 section 3)."""

MAX_ROUNDS = 200
"""The most runs of the stateful phase; see `run_contract`."""

WITHOUT_REGISTRATION = ("max_response_time",)
"""The checks of the installed version that its registry does not list: they are on as soon as they have a limit."""


def installed_checks() -> list[str]:
    """Return the name of every check of the installed version."""
    load_all_checks()
    return sorted({*CHECKS.get_all_names(), *WITHOUT_REGISTRATION})


@dataclass(frozen=True)
class Plan:
    """How a run is to go. Every check is on in any case.

    spending: the operations that end the token which they are sent with, and how people come by one to spare.
    privileged: the operations that only the last of the people may call.
    service: a service client, for the operations that only such a one may call.
    maker: makes what the cases that delete something are to delete.
    seed: the same seed generates the same cases.
    max_examples: cases for each operation in the phase fuzzing, and scenarios in the phase stateful.
    seconds: a time budget. Every phase runs once with few cases, however long that takes; then the phases fuzzing and
        stateful go on, in turns, until it is used up.
    slowest: seconds that an answer may take.
    show_tokens: whether the curl lines of findings have tokens in them, so that they work as they are.
    phases, checks: those that have to run and to be applied.
    """

    spending: Spending = field(default_factory=dict)
    privileged: Collection[str] = ()
    service: ServiceClient | None = None
    maker: creations.Maker | None = None
    seed: int = 1
    max_examples: int = 100
    seconds: int | None = None
    slowest: float = SLOWEST_ANSWER
    show_tokens: bool = True
    phases: Collection[str] = PHASES
    checks: Collection[str] = field(default_factory=installed_checks)


def configuration(
    base_url: str, plan: Plan, phases: Collection[str], seed: int, seconds: int | None = None
) -> SchemathesisConfig:
    """Return settings with every check on, in `phases`. Nothing is kept from one run for another.

    seconds: go on generating cases for this long.
    """
    budget: Mapping[str, int] = {} if seconds is None else {"max-time": seconds}
    examples = plan.max_examples if plan.seconds is None else min(plan.max_examples, FEW)
    return SchemathesisConfig.from_dict(
        {
            **budget,
            "seed": seed,
            "base-url": base_url,
            "cache": {"enabled": False},
            "continue-on-failure": True,
            "request-timeout": 2 * SLOWEST_ANSWER,
            "output": {"sanitization": {"enabled": not plan.show_tokens}},
            "checks": {"enabled": True, "max_response_time": plan.slowest, **CONDITIONS},
            "generation": {"mode": "all", "max-examples": examples, "database": "none"},
            "phases": {name: {"enabled": name in phases, **THOROUGHLY.get(name, {})} for name in PHASES},
        }
    )


def disabled_checks(schema: schemathesis.BaseSchema) -> set[str]:
    """Return the checks that are off, anywhere: for the whole run, in a phase, for an operation."""
    off: set[str] = set()
    for result in schema.get_all_operations():
        if isinstance(result, Err):
            raise result.err()
        operation = result.ok()
        for phase in (None, *PHASES):
            config = schema.config.checks_config_for(operation=operation, phase=phase)
            off |= {name for name in installed_checks() if not config.get_by_name(name=name).enabled}
    return off


def load(document: dict[str, Any], config: SchemathesisConfig) -> schemathesis.BaseSchema:
    """Return the schema for `document`.

    Given as a value, not as an address: Schemathesis does not test the operation that it has read the document from.
    """
    return schemathesis.openapi.from_dict(document, config=config)


def run_contract(
    base_url: str,
    document: dict[str, Any],
    people: Sequence[Person],
    plan: Plan,
    *,
    report: Report | None = None,
    on_event: Callable[[Report, events.EngineEvent], None] = lambda *_: None,
) -> Report:
    """Compare the server at `base_url` with `document` and report.

    people: who the cases log in as; the first two are strangers to each other, the last one may do the most.
    report: where to add what is found. on_event: told of what happens, when it happens.
    Raises ValueError if a check is off.

    The phase stateful runs again with other seeds until it has had `max_examples` scenarios (or its time is up):
    Hypothesis ends it, and Schemathesis takes that for success, as soon as the same requests get other answers than
    before, which is what they should get from a server that keeps what it is told (a name registers only once).
    """
    report = report or Report()
    phases = plan.phases
    began = time.monotonic()
    seconds: int | None = None
    for turn in range(MAX_ROUNDS):
        schema = load(document, configuration(base_url, plan, phases, plan.seed + turn, seconds))
        off = disabled_checks(schema)
        if off:
            raise ValueError(f"these checks are off: {', '.join(sorted(off))}")
        authenticate(schema, people, spending=plan.spending, privileged=plan.privileged, service=plan.service)
        idempotency.install()
        names.install()
        creations.install(plan.maker)
        for event in from_schema(schema).execute():
            _add(report, event)
            on_event(report, event)
        if not report.is_clean:
            break
        if plan.seconds is not None:
            seconds = int(began + plan.seconds - time.monotonic())
            phases = [phase for phase in plan.phases if phase in ENDLESS]
            if seconds < 1 or not phases:
                break
        elif report.scenarios[STATEFUL] >= plan.max_examples or STATEFUL not in plan.phases:
            break
        else:
            phases = [STATEFUL]
    report.faults += [f"the phase {phase} has not run" for phase in plan.phases if not report.cases[phase]]
    never = [name for name in plan.checks if not report.checks[name]]
    report.faults += [f"the check {name} was never applied" for name in never]
    return report


def _add(report: Report, event: events.EngineEvent) -> None:
    match event:
        case events.ScenarioFinished() if event.phase in TESTING_PHASES:
            report.add_scenario(event)
        case events.PhaseFinished() if event.phase.name in TESTING_PHASES:
            report.add_phase(event)
        case events.NonFatalError():
            report.faults.append(f"[{event.phase}] {event.label}: {event.info.format()}")
        case events.FatalError():
            raise event.exception
        case events.EngineFinished():
            report.faults += [str(failure) for failure in event.failures]
            if event.stop_reason not in (StopReason.COMPLETED, StopReason.MAX_TIME):
                report.faults.append(f"the run ended early: {event.stop_reason}")
