"""Load on a server: a number of keep-alive connections, each sending its next request when the last is answered.

`wrk` makes it where it is installed; else `benchmarks.load_process`, which needs Python alone, costs some more CPU and
so shows lower figures for everybody.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from benchmarks.programs import ROOT, Failed, environment

_LUA = """
local bodies = {%(bodies)s}
local requests, turn = {}, 0
function setup(thread) turns = (turns or 0) + 1; thread:set("turn", turns) end
function init(args)
  for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
end
wrk.method = %(method)s
%(headers)s
%(rotate)s
function done(summary, latency, _)
  local errors = summary.errors
  print(string.format(
    'RESULT {"requests":%%d,"microseconds":%%d,"p50":%%d,"p99":%%d,"failures":%%d}', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
_ROTATE = "function request() turn = turn % #requests + 1; return requests[turn] end"
_RESULT = re.compile(r"^RESULT (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """What is sent, how long, and over how many connections. seconds: whole ones. bodies: JSON texts, in turn."""

    url: str
    connections: int
    seconds: int
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    bodies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of it. failures: answers outside 2xx but for 304, and broken connections; p50, p99: latency in ms."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failures: int

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def generator() -> str:
    """Return the name of the load generator in use; BENCH_GENERATOR=python chooses our own."""
    wrk = shutil.which("wrk") is not None and os.environ.get("BENCH_GENERATOR") != "python"
    return "wrk" if wrk else "python (benchmarks.load_process)"


def whole_seconds(seconds: float) -> int:
    """Return `seconds` as a duration of a load: a whole number, at least one."""
    return max(1, round(seconds))


class Running:
    """A load under way; `result` waits for its end. Leaving its with statement early ends it."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._directory = tempfile.TemporaryDirectory(prefix="ostiary-load-")
        self._processes = [self._start_wrk()] if generator() == "wrk" else self._start_own()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._directory.cleanup()

    def is_over(self) -> bool:
        """Return whether nothing is sent any more."""
        return all(process.poll() is not None for process in self._processes)

    def result(self) -> Outcome:
        """Wait for the end and return what came of it; raises Failed when nothing was answered."""
        outputs = [process.communicate()[0] for process in self._processes]
        if any(process.returncode for process in self._processes):
            raise Failed(f"the load generator failed: {''.join(outputs)}")
        outcome = _of_wrk(outputs[0]) if generator() == "wrk" else _of_own(outputs)
        if not outcome.requests:
            raise Failed(f"{self._load.url} answered nothing")
        return outcome

    def _start_wrk(self) -> "subprocess.Popen[str]":
        load = self._load
        script = Path(self._directory.name) / "load.lua"
        headers = dict(load.headers) | ({"Content-Type": "application/json"} if load.bodies else {})
        script.write_text(
            _LUA
            % {
                "bodies": ", ".join(_lua(body) for body in load.bodies),
                "method": _lua(load.method),
                "headers": "\n".join(f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in headers.items()),
                "rotate": _ROTATE if load.bodies else "",
            }
        )
        command = ["wrk", f"-t{_generators(load)}", f"-c{load.connections}", f"-d{load.seconds}s", "--latency"]
        return _popen([*command, "--timeout", "30s", "-s", str(script), load.url])

    def _start_own(self) -> "list[subprocess.Popen[str]]":
        load = self._load
        count = _generators(load)
        address = urlsplit(load.url)
        started = []
        for number in range(count):
            path = Path(self._directory.name) / f"load-{number}.json"
            described = {
                "host": address.hostname,
                "port": address.port,
                "requests": _requests(load, address.path, address.netloc),
                "first": number,
                "connections": load.connections // count + (number < load.connections % count),
                "seconds": load.seconds,
            }
            path.write_text(json.dumps(described))
            started.append(_popen([sys.executable, "-m", "benchmarks.load_process", str(path)]))
        return started


def _generators(load: Load) -> int:
    """Return the number of threads or processes that send: the servers have the other cores."""
    return max(1, min(load.connections, (os.cpu_count() or 1) // 2))


def _popen(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, cwd=ROOT, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _lua(text: str) -> str:
    return json.dumps(text.encode("ascii").decode())


def _requests(load: Load, path: str, host: str) -> list[str]:
    lines = [f"{load.method} {path} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in load.headers.items())]
    if not load.bodies:
        return ["\r\n".join([*lines, "", ""])]
    return [
        "\r\n".join([*lines, "Content-Type: application/json", f"Content-Length: {len(body)}", "", body])
        for body in load.bodies
    ]


def _of_wrk(output: str) -> Outcome:
    found = _RESULT.search(output)
    if found is None:
        raise Failed(f"wrk printed no result: {output}")
    told = json.loads(found.group(1))
    return Outcome(
        told["requests"], told["microseconds"] / 1e6, told["p50"] / 1000, told["p99"] / 1000, told["failures"]
    )


def _of_own(outputs: list[str]) -> Outcome:
    parts = [json.loads(output) for output in outputs]
    latencies = sorted(latency for part in parts for latency in part["microseconds"])
    if not latencies:
        return Outcome(0, 1, math.nan, math.nan, 0)
    return Outcome(
        requests=len(latencies),
        seconds=max(part["seconds"] for part in parts),
        p50=latencies[len(latencies) // 2] / 1000,
        p99=latencies[int(len(latencies) * 0.99)] / 1000,
        failures=sum(part["failures"] for part in parts),
    )
