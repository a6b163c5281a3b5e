"""Tells, while a run is under way, how far it is."""

import time
from collections.abc import Callable

from schemathesis.engine import events

from .report import Report

EVERY = 5.0
"""Seconds between two lines within a phase."""


class Progress:
    """Writes a line when another phase has begun, and every few seconds while it goes on.

    write: takes one line. seconds: the run's time budget, if it has one.
    """

    def __init__(self, write: Callable[[str], None], seconds: int | None) -> None:
        self._write = write
        self._of = "" if seconds is None else f" of {seconds}"
        self._began = self._told = time.monotonic()
        self._phase = ""

    def __call__(self, report: Report, event: events.EngineEvent) -> None:
        """Look at what has happened, and tell of it if it is time."""
        if not isinstance(event, events.ScenarioFinished):
            return
        now, phase = time.monotonic(), event.phase.value
        if phase == self._phase and now - self._told < EVERY:
            return
        self._phase, self._told = phase, now
        found = f", {len(report.findings)} findings" if report.findings else ""
        where = f"{phase}: {event.label}" if event.label else phase
        self._write(f"contract {now - self._began:4.0f}{self._of} s, {report.cases.total()} cases{found}, {where}")
