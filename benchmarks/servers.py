"""`python -m benchmarks.servers`: which ASGI server under Flask on one loop, uvicorn or granian?

The same three views on each: a bare sync view, the same as a coroutine, and Ostiary's `GET /protected`.
docs/decisions/0001-asgi-server.md is decided by these figures.
"""

import argparse
import json
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import contenders, programs, report, scenarios
from benchmarks.contenders import Contender

GRANIAN_LOOPS = ("uvloop", "asyncio")
VIEWS = (("sync", "sync view", "/protected"), ("async", "async view", "/async"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _granian(directory: Path, loop: str, app: str, extra: dict[str, str]) -> Iterator[tuple[int, str]]:
    name = f"granian-{loop}-{app}"
    arguments = ["-m", "granian", "--interface", "asgi", "--factory", "--no-ws", "--loop", loop]
    arguments += ["--host", "127.0.0.1", "--port", str(_free_port()), "--workers", str(contenders.WORKERS)]
    arguments.append(f"benchmarks.apps.{app}:make_asgi")
    with programs.server(name, arguments, extra, directory / f"{name}.log") as (process, address):
        yield process, address


def _views(server: str, process: int, address: str) -> list[Contender]:
    return [
        Contender(f"{server} {key}", f"{server}, {title}", process, address, path=path) for key, title, path in VIEWS
    ]


def _start(stack: ExitStack, directory: Path) -> list[Contender]:
    bare = stack.enter_context(contenders.bare(directory))
    found = _views("uvicorn", bare.process, bare.url)
    ostiary = stack.enter_context(contenders.ostiary(directory))
    found.append(replace(ostiary, key="uvicorn ostiary", title="uvicorn, Ostiary"))
    settings = contenders.ostiary_environment(f"sqlite+aiosqlite:///{directory / 'ostiary.db'}")
    for loop in GRANIAN_LOOPS:
        server = f"granian {loop}"
        found += _views(server, *stack.enter_context(_granian(directory, loop, "bare", {})))
        process, address = stack.enter_context(_granian(directory, loop, "ostiary_asgi", settings))
        # The database and its keys are those of the server above, so its token is good here too.
        found.append(Contender(f"{server} ostiary", f"{server}, Ostiary", process, address, ostiary.headers))
    return found


def run(scale: float, rounds: int) -> dict[str, Any]:
    """Measure, print, and return the figures for JSON. scale: of all durations. Raises Failed."""
    told = {"machine": report.machine(scale)}
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told["machine"].items()))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-bench-")))
        running = _start(stack, directory)
        samples = scenarios.protected_rounds(running, scale, rounds)
    rows = report.rows_of(running, samples)
    print(f"\n{scenarios.CONNECTIONS} keep-alive connections, {contenders.WORKERS} workers, {rounds} rounds")
    print(report.table(rows))
    print()
    for view in ("sync", "async", "ostiary"):
        for loop in GRANIAN_LOOPS:
            one, other = f"granian {loop} {view}", f"uvicorn {view}"
            rate, cpu = report.ratio(samples, one, other), report.cpu_ratio(samples, one, other)
            print(f"{view:<8} granian ({loop}) / uvicorn {rate:6.2f}   by server CPU per request {cpu:.2f}")
    failed = sum(one["failures"] for one in rows)
    if failed:
        raise programs.Failed(f"{failed} requests were not answered with 2xx")
    return told | {"rows": rows, "samples": report.plain(samples)}


def main() -> int:
    """Run, and return the exit code: 1 when a server does not start or does not answer 2xx."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all durations")
    parser.add_argument("--rounds", type=int, default=4, help="how often each is measured, in turn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    arguments = parser.parse_args()
    try:
        told = run(arguments.scale, arguments.rounds)
    except programs.Failed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
