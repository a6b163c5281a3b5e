"""`python -m benchmarks.overload`: logins beyond what the processors can hash.

Goodput, the logins that succeed in a second while their client still waits, with as many clients as keep the hashing
threads busy, and with more of them: that try again at once, and that give up. All figures are of one run, and ratios.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import contenders, processes, programs, report
from benchmarks.contenders import PEOPLE, Contender

WARM_UP = 3.0
GOODPUT_LIMIT = 0.9
LATENCY_LIMIT = 3.0


@dataclass(frozen=True)
class Scenario:
    """One storm. patience: seconds after which a client gives up; 0: it waits for its answer."""

    title: str
    clients: int
    patience: float = 0.0


SATURATION = Scenario("saturation: 16 clients", 16)
SCENARIOS = (
    SATURATION,
    Scenario("64 clients, again at once", 64),
    Scenario("1,000 clients, again at once", 1000),
    Scenario("350 clients, give up after 2 s", 350, 2.0),
    Scenario("1,000 clients, give up after 2 s", 1000, 2.0),
)


@dataclass(frozen=True)
class Figures:
    """What one storm came to. goodput, refusals: in a second. by_cpu: logins for each second of processor time of the
    server, which others on the machine do not change. p99: of GET /protected beside it, in ms.
    """

    title: str
    goodput: float
    by_cpu: float
    refusals: float
    given_up: float
    p99: float


def _start(described: dict[str, Any]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.overload_clients", json.dumps(described)]
    return subprocess.Popen(command, cwd=programs.ROOT, env=programs.environment({}), stdout=subprocess.PIPE, text=True)


def _result(process: "subprocess.Popen[str]") -> dict[str, Any]:
    output, _ = process.communicate()
    if process.returncode:
        raise programs.Failed("a client failed")
    found: dict[str, Any] = json.loads(output)
    return found


def _quiet(contender: Contender, seconds: float, warm_up: float) -> dict[str, Any]:
    fields = "".join(f"{name}: {value}\r\n" for name, value in contender.headers.items())
    request = f"GET /protected HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
    return {"kind": "quiet", **_address(contender), "request": request, "seconds": seconds, "warm_up": warm_up}


def _storm(contender: Contender, scenario: Scenario, seconds: float) -> dict[str, Any]:
    name, password = PEOPLE[0]
    body = json.dumps({"username": name, "password": password})
    head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return {
        "kind": "storm",
        **_address(contender),
        "request": f"{head}\r\n\r\n{body}",
        "clients": scenario.clients,
        "patience": scenario.patience,
        "seconds": seconds,
        "warm_up": WARM_UP,
    }


def _address(contender: Contender) -> dict[str, Any]:
    parts = urlsplit(contender.url)
    return {"host": parts.hostname, "port": parts.port}


def _p99(told: dict[str, Any]) -> float:
    latencies: list[float] = told["latencies"]
    return latencies[int(len(latencies) * 0.99)]


def measure(contender: Contender, scenario: Scenario, seconds: float) -> Figures:
    """Let the storm rage beside a quiet client and return the figures."""
    storm = _start(_storm(contender, scenario, seconds))
    beside = _start(_quiet(contender, seconds, WARM_UP))
    members = processes.tree(contender.process)
    time.sleep(WARM_UP)
    before = processes.cpu_seconds(members)
    told = _result(storm)
    cpu = processes.cpu_seconds(members) - before
    statuses = told["statuses"]
    unexpected = statuses.keys() - {"200", "503"}
    if unexpected:
        raise programs.Failed(f"{scenario.title}: answered {sorted(unexpected)}")
    rate = 1 / told["seconds"]
    return Figures(
        scenario.title,
        statuses.get("200", 0) * rate,
        statuses.get("200", 0) / cpu,
        statuses.get("503", 0) * rate,
        told["given_up"] * rate,
        _p99(_result(beside)),
    )


def run(seconds: float) -> dict[str, Any]:
    """Measure, print, and return the figures for JSON. Raises Failed."""
    with (
        tempfile.TemporaryDirectory(prefix="ostiary-bench-") as directory,
        contenders.ostiary(Path(directory)) as contender,
    ):
        quiet = _p99(_result(_start(_quiet(contender, seconds, 0.5))))
        print(f"GET /protected, quiet: p99 {quiet:.1f} ms")
        found = [measure(contender, scenario, seconds) for scenario in SCENARIOS]
    best = max(one.goodput for one in found)
    saturated = found[0].by_cpu
    print(f"{'':<34} logins/s  of best  by CPU  refused/s  given up/s  p99 ms  of quiet")
    for one in found:
        print(
            f"{one.title:<34} {one.goodput:9.1f} {one.goodput / best:8.2f} {one.by_cpu / saturated:7.2f}"
            f" {one.refusals:10.1f} {one.given_up:11.1f} {one.p99:7.1f} {one.p99 / quiet:9.1f}"
        )
    return {"machine": report.machine(1.0), "quiet_p99": quiet, "storms": [asdict(one) for one in found]}


def main() -> int:
    """Run, and return the exit code: 1 when something fails, 2 when goodput or latency is beyond its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each storm")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    arguments = parser.parse_args()
    try:
        told = run(arguments.seconds)
    except programs.Failed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    best = max(one["goodput"] for one in told["storms"])
    kept = all(
        one["goodput"] >= GOODPUT_LIMIT * best and one["p99"] <= LATENCY_LIMIT * told["quiet_p99"]
        for one in told["storms"]
    )
    return 0 if kept else 2


if __name__ == "__main__":
    sys.exit(main())
