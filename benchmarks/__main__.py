"""`python -m benchmarks`: Ostiary beside what it is compared with, all of it measured in one run.

Figures are printed, never judged: the exit code is 1 only when a server does not start or does not answer as it should.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import contenders, pages, report, scenarios
from benchmarks import scale as scale_of_database
from benchmarks.contenders import Contender
from benchmarks.databases import has_postgres
from benchmarks.measuring import Sample
from benchmarks.programs import Failed

PARTS = ("protected", "pages", "scale")
USUAL = PARTS[:2]


def run(scale: float, parts: Sequence[str]) -> dict[str, Any]:
    """Measure `parts`, print them, and return them for JSON. scale: of all durations. Raises Failed."""
    told: dict[str, Any] = {"machine": report.machine(scale)}
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told["machine"].items()))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-bench-")))
        if "scale" in parts:
            told["scale"] = {}
            for database in ("SQLite", "PostgreSQL") if has_postgres() else ("SQLite",):
                told["scale"][database], lines, samples = scale_of_database.run(directory, database, scale)
                print("", *lines, sep="\n")
                _fail_on_failures(samples)
            return told
        ostiary, bare = (stack.enter_context(start(directory)) for start in (contenders.ostiary, contenders.bare))
        if "protected" in parts:
            others = [stack.enter_context(start(directory)) for start in contenders.OTHERS]
            if has_postgres():
                others.append(stack.enter_context(contenders.ostiary_postgres(directory)))
            told |= _protected([ostiary, bare, *others], scale)
        if "pages" in parts:
            told["pages"] = _pages(pages.contenders(ostiary, bare), scale)
    return told


def _protected(running: Sequence[Contender], scale: float) -> dict[str, Any]:
    """Measure `GET /protected` and logins; the first of `running` is Ostiary."""
    samples = scenarios.protected_rounds(running, scale)
    logins = {one.title: scenarios.login_rounds(one, scale) for one in running if one.key in contenders.OSTIARY}
    busy = scenarios.busy_rounds(running[0], scale)
    rows = report.rows_of(running, samples)
    ratios = report.ratios_of(samples) + [report.login_ratio(title, rounds) for title, rounds in logins.items()]
    _print_table("GET /protected", rows)
    for title, rounds in logins.items():
        print("", f"{title}, logins", *report.login_lines(rounds), sep="\n")
    print("", *map(report.busy_line, busy), sep="\n")
    print()
    print(*map(report.ratio_line, ratios), sep="\n")
    every = [sample for one in samples.values() for sample in one]
    every += [one.logins for rounds in logins.values() for one in rounds]
    every += [sample for one in busy for sample in (one.alone, one.busy)]
    _fail_on_failures(every)
    return {
        "rows": rows,
        "ratios": ratios,
        "samples": report.plain(samples),
        "logins": {title: [asdict(one) for one in rounds] for title, rounds in logins.items()},
        "busy": [asdict(one) for one in busy],
    }


def _pages(running: Sequence[Contender], scale: float) -> dict[str, Any]:
    """Measure the pages of the contract; the first of `running` is the bare view."""
    samples = scenarios.protected_rounds(running, scale)
    rows = report.rows_of(running, samples)
    ratios = pages.ratios(samples)
    _print_table("The contract's pages, as a browser asks for them", rows)
    print()
    print(*map(report.ratio_line, ratios), sep="\n")
    _fail_on_failures([sample for one in samples.values() for sample in one])
    return {"rows": rows, "ratios": ratios, "samples": report.plain(samples)}


def _print_table(what: str, rows: Sequence[dict[str, Any]]) -> None:
    print(f"\n{what}, {scenarios.CONNECTIONS} keep-alive connections, {contenders.WORKERS} workers;")
    print("medians of interleaved rounds; CPU and memory of all the server's processes, memory at its peak")
    print(report.table(rows))


def _fail_on_failures(samples: Sequence[Sample]) -> None:
    failed = report.failures(samples)
    if failed:
        raise Failed(f"{failed} requests were not answered with 2xx, or with 304 where nothing has changed")


def main() -> int:
    """Run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all durations (default 1: about 6 minutes)")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone (scale: only so)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        told = run(arguments.scale, [arguments.only] if arguments.only else USUAL)
    except (Failed, OSError) as error:  # OSError: PostgreSQL does not answer, the file cannot be written
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\n{time.monotonic() - began:.0f} s, load average after {os.getloadavg()[0]:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
