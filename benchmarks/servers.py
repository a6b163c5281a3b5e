"""`python -m benchmarks.servers`: which HTTP server under Ostiary? Right answers, speed, CPU, memory of each.

Ostiary's own server and others that serve ASGI, each around the same application with two workers.
docs/decisions/0014-http-server.md is decided by these figures.
"""

import argparse
import json
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import contenders, processes, programs, report, scenarios
from benchmarks.contenders import Contender
from benchmarks.shapes.__main__ import run as run_shapes
from benchmarks.shapes.judging import Verdict

APPLICATION = "benchmarks.apps.ostiary_asgi:make_asgi"
WORKERS = str(contenders.WORKERS)
UVICORN = (
    "uvicorn",
    "--factory",
    "--lifespan",
    "on",
    "--no-access-log",
    "--timeout-keep-alive",
    "65",
    "--workers",
    WORKERS,
)
OTHERS: dict[str, tuple[str, ...]] = {
    "uvicorn, httptools": (*UVICORN, "--http", "httptools", "--port", "{port}", APPLICATION),
    "uvicorn, h11": (*UVICORN, "--http", "h11", "--port", "{port}", APPLICATION),
    "hypercorn": (
        "hypercorn", "--worker-class", "uvloop", "--workers", WORKERS, "--bind", "127.0.0.1:{port}",
        f"{APPLICATION}()",
    ),
    "granian": (
        "granian", "--interface", "asgi", "--factory", "--no-ws", "--loop", "uvloop", "--host", "127.0.0.1",
        "--workers", WORKERS, "--port", "{port}", APPLICATION,
    ),
}  # fmt: skip
"""The module and arguments of each server but our own."""
START_SECONDS = 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _other(directory: Path, name: str, settings: dict[str, str], token: dict[str, str]) -> Iterator[Contender]:
    arguments = ["-m", *(part.format(port=_free_port()) for part in OTHERS[name])]
    log = directory / f"{name.replace(', ', '-')}.log"
    with programs.server(name, arguments, settings, log) as (process, address):
        contender = Contender(name, name, process, address, token)
        _until_ready(contender, log)
        yield contender


def _until_ready(contender: Contender, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:  # these say where they listen before their workers do
        try:
            return contender.check()
        except programs.Failed as error:
            if time.monotonic() > deadline:
                raise programs.Failed(
                    f"{contender.title} does not answer: {error}\n{log.read_text()[-2000:]}"
                ) from error
        time.sleep(0.1)


def run(scale: float, rounds: int, shapes: bool) -> dict[str, Any]:
    """Measure, print, and return the figures for JSON. scale: of all durations. Raises Failed."""
    told: dict[str, Any] = {"machine": report.machine(scale)}
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told["machine"].items()))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-bench-")))
        own = stack.enter_context(contenders.ostiary(directory))
        settings = contenders.ostiary_environment(f"sqlite+aiosqlite:///{directory / 'ostiary.db'}")
        # The database and its keys are those of the server above, so its token is good here too.
        others = [stack.enter_context(_other(directory, name, settings, dict(own.headers))) for name in OTHERS]
        running = [own, *others]
        resting = {one.key: processes.memory(processes.tree(one.process)) for one in running}
        samples = scenarios.protected_rounds(running, scale, rounds)
        verdicts = _shapes(running) if shapes else {}
    rows = report.rows_of(running, samples)
    print(f"\nGET /protected, {scenarios.CONNECTIONS} keep-alive connections, {WORKERS} workers, {rounds} rounds")
    print(report.table(rows))
    print()
    for one in running:
        memory = resting[one.key]
        print(f"{one.title:<24}memory after the start: RSS {memory.rss:.0f} MiB, PSS {memory.pss:.0f} MiB")
    for other in others:
        rate, cpu = report.ratio(samples, own.key, other.key), report.cpu_ratio(samples, own.key, other.key)
        print(f"Ostiary / {other.title:<22}{rate:6.2f}   by server CPU per request {cpu:.2f}")
    _print_shapes(verdicts)
    told |= {"rows": rows, "samples": report.plain(samples)}
    return told | {"shapes": {key: [vars(verdict) for verdict in found] for key, found in verdicts.items()}}


def _shapes(running: list[Contender]) -> dict[str, list[Verdict]]:
    """Send the raw shapes to all of them at once: most of it is waiting."""
    with ThreadPoolExecutor(len(running)) as threads:
        found = threads.map(lambda one: run_shapes(one.url, quick=False), running)
        return dict(zip((one.key for one in running), found, strict=True))


def _print_shapes(verdicts: dict[str, list[Verdict]]) -> None:
    if not verdicts:
        return
    kinds = list(dict.fromkeys(verdict.kind for verdict in next(iter(verdicts.values()))))
    print(f"\n{'raw shapes answered right':<24}{'all':>10}" + "".join(f"{kind:>22}" for kind in kinds))
    for key, found in verdicts.items():
        cells = [f"{sum(one.right for one in found)}/{len(found)}"]
        for kind in kinds:
            of_kind = [one.right for one in found if one.kind == kind]
            cells.append(f"{sum(of_kind)}/{len(of_kind)}")
        print(f"{key:<24}{cells[0]:>10}" + "".join(f"{cell:>22}" for cell in cells[1:]))
    for key, found in verdicts.items():
        print(f"\n{key}: answered wrong")
        print(*(verdict.line() for verdict in found if not verdict.right), sep="\n")


def main() -> int:
    """Run, and return the exit code: 1 when a server does not start or does not answer 2xx."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all durations")
    parser.add_argument("--rounds", type=int, default=4, help="how often each is measured, in turn")
    parser.add_argument(
        "--no-shapes", action="store_true", help="leave out the raw shapes, 100 seconds for each server"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    arguments = parser.parse_args()
    try:
        told = run(arguments.scale, arguments.rounds, not arguments.no_shapes)
    except programs.Failed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
