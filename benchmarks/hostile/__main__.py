"""`python -m benchmarks.hostile`: what each attack does to a quiet client of the same server, in one run.

Figures are printed beside their aims, never judged: the exit code is 1 only when the server does not start.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import contenders, processes, programs, report
from benchmarks.hostile.attacks import KINDS

FILES = 1024
"""Files that each process of the server may have open: the usual limit of a service."""
ALONE_SECONDS = 4.5
ATTACK_SECONDS = 4.5
WARM_UP_SECONDS = 1.5
SETTLE_SECONDS = 0.7
"""From the start of an attack to the quiet client's first request, and after its end."""
LOOK_EVERY = 0.2
MAX_RATIO = 2.0
MAX_MIB = 1.0
NAME, PASSWORD = contenders.PEOPLE[0]


@dataclass(frozen=True)
class Quiet:
    """What the quiet client saw. p50, p99, worst: milliseconds. logins: logins with logout that went well."""

    requests: int
    p50: float
    p99: float
    worst: float
    failures: int
    logins: int
    login_failures: list[str]


@dataclass(frozen=True)
class Result:
    """One attack. memory: MiB for each connection. cpu: the server's milliseconds for each attack made."""

    kind: str
    alone: Quiet
    attacked: Quiet
    tally: dict[str, Any]
    memory: float
    cpu: float

    @property
    def ratio(self) -> float:
        """The quiet client's p99 under attack over its p99 alone."""
        return self.attacked.p99 / self.alone.p99


class Arena:
    """A running server, and the two processes that use it."""

    def __init__(self, directory: Path, process: int, url: str, token: str) -> None:
        self._directory = directory
        self._members = processes.tree(process)
        address = urlsplit(url)
        login = json.dumps({"username": NAME, "password": PASSWORD})
        self._described = {"host": address.hostname, "port": address.port, "token": token, "login": login}

    def quiet(self, seconds: float) -> Quiet:
        """Let the quiet client ask for some seconds."""
        with self._start("benchmarks.hostile.quiet", {"seconds": seconds}) as running:
            return _quiet(running.communicate()[0])

    def fight(self, kind: str, scale: float) -> Result:
        """Attack, and let the quiet client ask before and during it."""
        began = processes.cpu_seconds(self._members)
        alone = self.quiet(ALONE_SECONDS * scale)
        usual = (processes.cpu_seconds(self._members) - began) / (ALONE_SECONDS * scale)
        before = processes.resident(self._members)
        seconds = ATTACK_SECONDS * scale
        began = processes.cpu_seconds(self._members)
        attack = {"kind": kind, "seconds": seconds + 2 * SETTLE_SECONDS}
        with self._start("benchmarks.hostile.attack_process", attack) as attackers:
            time.sleep(SETTLE_SECONDS)
            with self._start("benchmarks.hostile.quiet", {"seconds": seconds}) as running:
                peak = before
                while running.poll() is None:
                    time.sleep(LOOK_EVERY)
                    peak = max(peak, processes.resident(self._members))
                attacked = _quiet(running.communicate()[0])
            tally = json.loads(attackers.communicate()[0])
        spent = processes.cpu_seconds(self._members) - began - usual * seconds
        time.sleep(SETTLE_SECONDS)
        memory = (peak - before) / max(1, tally["peak"])
        return Result(kind, alone, attacked, tally, memory, spent / max(1, tally["units"]) * 1000)

    @contextmanager
    def _start(self, module: str, described: dict[str, Any]) -> Iterator["subprocess.Popen[str]"]:
        path = self._directory / f"{module}.json"
        path.write_text(json.dumps(self._described | described))
        command = [sys.executable, "-m", module, str(path)]
        with subprocess.Popen(
            command, cwd=programs.ROOT, env=programs.environment({}), stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


def _quiet(output: str) -> Quiet:
    told = json.loads(output)
    latencies = sorted(told["latencies"]) or [float("inf")]
    return Quiet(
        requests=len(told["latencies"]),
        p50=latencies[len(latencies) // 2],
        p99=latencies[int(len(latencies) * 0.99)],
        worst=latencies[-1],
        failures=len(told["failures"]),
        logins=told["logins"],
        login_failures=told["login_failures"],
    )


@contextmanager
def _arena(directory: Path) -> Iterator[tuple[Arena, Path]]:
    """Run an Ostiary of its own for one attack, warm; gives its log too. Raises Failed."""
    settings = contenders.ostiary_environment(f"sqlite+aiosqlite:///{directory / 'ostiary.db'}")
    arguments = ["-m", "benchmarks.apps.limited", "serve", "--host", "127.0.0.1", "--port", "0"]
    arguments += ["--workers", str(contenders.WORKERS)]
    log = directory / "server.log"
    with programs.server("Ostiary", arguments, settings | {"BENCH_FILES": str(FILES)}, log) as (process, url):
        arena = Arena(directory, process, url, contenders.register_people(url))
        arena.quiet(WARM_UP_SECONDS)
        yield arena, log


def run(scale: float, kinds: list[str]) -> list[Result]:
    """Make every attack, each on a server of its own, print a line for each. scale: of all durations. Raises Failed."""
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in report.machine(scale).items()))
    print(f"\nOstiary, production profile, {contenders.WORKERS} workers, ulimit -n {FILES}; the quiet client's latency")
    print("of GET /protected in ms, alone and under attack; its logins with logout that went well; what it cost")
    print(_HEAD)
    results = []
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="ostiary-hostile-") as directory:
            with _arena(Path(directory)) as (arena, log):
                results.append(arena.fight(kind, scale))
            logged = log.read_text(errors="replace").splitlines()[2:]
        print(line(results[-1]), flush=True)
        for told in results[-1].attacked.login_failures[:1] + logged[:2]:
            print(f"    {told[:160]}")
    met = sum(one.ratio <= MAX_RATIO and one.memory <= MAX_MIB for one in results)
    print(f"\n{met} of {len(results)} attacks within {MAX_RATIO:g} x p99 and {MAX_MIB:g} MiB a connection")
    return results


_HEAD = (
    f"{'attack':<34}{'alone p50':>10}{'p99':>8}{'attacked p50':>14}{'p99':>9}{'worst':>9}{'ratio':>7}{'failed':>8}"
    f"{'logins':>9}{'MiB/conn':>10}{'CPU ms':>9}  connections, attacks, answers"
)


def line(one: Result) -> str:
    """Return one attack as a line of the table."""
    alone, attacked, tally = one.alone, one.attacked, one.tally
    logins = f"{attacked.logins}/{attacked.logins + len(attacked.login_failures)}"
    seen = " ".join(f"{status}:{count}" for status, count in sorted(tally["statuses"].items()))
    return (
        f"{KINDS[one.kind].says:<34}{alone.p50:>10.2f}{alone.p99:>8.1f}{attacked.p50:>14.2f}{attacked.p99:>9.1f}"
        f"{attacked.worst:>9.1f}{one.ratio:>7.2f}{attacked.failures:>8}{logins:>9}{one.memory:>10.3f}{one.cpu:>9.2f}"
        f"  {tally['peak']}, {tally['units']}, {seen}"
    )


def main() -> int:
    """Run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all durations (default 1: about 3 minutes)")
    parser.add_argument("--only", choices=KINDS, action="append", help="make this attack; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        results = run(arguments.scale, arguments.only or list(KINDS))
    except programs.Failed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"{time.monotonic() - began:.0f} s, load average after {os.getloadavg()[0]:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
