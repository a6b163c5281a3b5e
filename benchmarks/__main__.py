"""`python -m benchmarks`: Ostiary beside what it is compared with, all of it measured in one run.

Figures are printed, never judged: the exit code is 1 only when a server does not start or does not answer 2xx.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import contenders, report, scenarios
from benchmarks.databases import has_postgres
from benchmarks.programs import Failed


def run(scale: float) -> dict[str, Any]:
    """Measure everything, print it, and return it for JSON. scale: of all durations. Raises Failed."""
    told = {"machine": report.machine(scale)}
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told["machine"].items()))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-bench-")))
        running = [stack.enter_context(start(directory)) for start in contenders.STARTERS]
        if has_postgres():
            running.append(stack.enter_context(contenders.ostiary_postgres(directory)))
        ostiary = running[0]
        samples = scenarios.protected_rounds(running, scale)
        logins = scenarios.login_rounds(ostiary, scale)
        busy = scenarios.busy_rounds(ostiary, scale)
    rows = report.rows_of(running, samples)
    ratios = report.ratios_of(samples, logins)
    print(f"\nGET /protected, {scenarios.CONNECTIONS} keep-alive connections, {contenders.WORKERS} workers;")
    print("medians of interleaved rounds; CPU and memory of all the server's processes, memory at its peak")
    print(report.table(rows))
    print()
    print(*report.login_lines(logins), *map(report.busy_line, busy), sep="\n")
    print()
    print(*map(report.ratio_line, ratios), sep="\n")
    every = [sample for one in samples.values() for sample in one]
    every += [one.logins for one in logins] + [sample for one in busy for sample in (one.alone, one.busy)]
    if report.failures(every):
        raise Failed(f"{report.failures(every)} requests were not answered with 2xx")
    return told | {
        "rows": rows,
        "ratios": ratios,
        "samples": report.plain(samples),
        "logins": [asdict(one) for one in logins],
        "busy": [asdict(one) for one in busy],
    }


def main() -> int:
    """Run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all durations (default 1: about 4 minutes)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        told = run(arguments.scale)
    except (Failed, OSError) as error:  # OSError: PostgreSQL does not answer, the file cannot be written
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\n{time.monotonic() - began:.0f} s, load average after {os.getloadavg()[0]:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
