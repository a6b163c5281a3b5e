"""What a run has sent and found."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from schemathesis.core.failures import Failure, format_failures
from schemathesis.engine import Status, events
from schemathesis.engine.recorder import CheckNode

from .authentication import needs_authentication

OUT_OF_TIME = "Time limit reached"
"""Why Schemathesis skips an operation at the end of a time budget, in its own words. Each had its turn before."""


@dataclass(frozen=True)
class Finding:
    """A check that failed, once for each operation, check and title; `text` tells how to reproduce it."""

    phase: str
    operation: str
    check: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"[{self.phase}] {self.operation}: {self.check}: {self.title}\n{self.text}"


@dataclass
class Report:
    """Counts and findings of one run."""

    phases: dict[str, Status] = field(default_factory=dict)
    cases: Counter[str] = field(default_factory=Counter)
    scenarios: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    protected: set[str] = field(default_factory=set)
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What kept Schemathesis from testing: errors, skipped operations, an early end."""
    on_answer: Callable[[str, int, bytes, bytes], None] = lambda *_: None
    """Told of each answer of an operation: the operation, the status, the body got, the body sent."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found and nothing was left out."""
        return not self.findings and not self.faults

    def add_phase(self, event: events.PhaseFinished) -> None:
        """Keep the worst outcome of a phase."""
        name = event.phase.name.value
        if event.phase.is_enabled and (event.status != Status.SKIP or name not in self.phases):
            self.phases[name] = max(event.status, self.phases.get(name, Status.SUCCESS))

    def add_scenario(self, event: events.ScenarioFinished) -> None:
        """Count the cases of a finished scenario and keep what its checks have found."""
        phase = event.phase.value
        recorder = event.recorder
        self.cases[phase] += len(recorder.interactions)
        self.scenarios[phase] += bool(recorder.interactions)
        # Without an operation: a scenario in which no rule was drawn.
        if event.status == Status.SKIP and event.label and event.skip_reason != OUT_OF_TIME:
            self.faults.append(f"[{phase}] {event.label} was not tested: {event.skip_reason}")
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            if needs_authentication(case.operation):
                self.protected.add(case.operation.label)
            got = interaction.response
            if got is not None and case.method.upper() == case.operation.method.upper():
                self.answers[case.operation.label, got.status_code] += 1
                self.on_answer(case.operation.label, got.status_code, got.content, interaction.request.body or b"")
        for case_id, nodes in recorder.checks.items():
            for node in nodes:
                self.checks[node.name] += 1
                if node.failure_info is not None:
                    self._add_failure(event, case_id, node, node.failure_info.failure, node.failure_info.code_sample)

    def _add_failure(
        self, event: events.ScenarioFinished, case_id: str, node: CheckNode, failure: Failure, curl: str
    ) -> None:
        case = event.recorder.cases[failure.case_id or case_id].value
        key = (failure.operation or case.operation.label, node.name, failure.title)
        if key in self.findings:
            return
        text = format_failures(
            case_id=case_id,
            response=event.recorder.find_response(case_id=failure.case_id or case_id),
            failures=[failure],
            curl=curl,
            config=case.operation.schema.config.output,
        )
        self.findings[key] = Finding(event.phase.value, *key, text)

    def reached(self, operation: str) -> set[int]:
        """Return the statuses that `operation` has answered."""
        return {status for label, status in self.answers if label == operation}

    def summary(self) -> str:
        """Return the counts, with the total on a line of its own."""
        return "\n".join(self._summary())

    def _summary(self) -> Iterator[str]:
        for name, count in sorted(self.checks.items()):
            yield f"contract check {name}: applied {count} times"
        for phase, count in self.cases.items():
            yield f"contract cases run in the phase {phase}: {count}"
        yield f"contract cases run: {self.cases.total()}"

    def failures(self) -> str:
        """Return everything found, each with a curl line."""
        return "\n\n".join([*self.faults, *map(str, self.findings.values())])
