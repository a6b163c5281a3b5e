"""Server processes for measuring, and single HTTP calls to them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
STARTED = re.compile(r"(?:listens at|Listening at:?|tening on|unning on) (http://[\d.]+:(\d+))", re.IGNORECASE)
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0


class Failed(Exception):
    """A server does not start, or answers something else than it should; there is nothing to measure."""


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without OSTIARY_*, and with `extra`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    return {**own, **extra}


def run_module(module: str, extra: Mapping[str, str], *arguments: str) -> str:
    """Run `python -m module` to its end and return what it has printed; raises Failed."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(extra), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{module}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


@contextmanager
def server(name: str, arguments: Sequence[str], extra: Mapping[str, str], log: Path) -> Iterator[tuple[int, str]]:
    """Run `python *arguments` for the duration of a with statement; gives its process id and its URL.

    extra: environment variables. log: a file for what it prints, in which its address is looked for. Raises Failed.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process.pid, _address(name, process, log)
    finally:
        _stop(process)


def _address(name: str, process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        found = STARTED.search(log.read_text(errors="replace"))
        if found:
            return found.group(1)
        time.sleep(0.05)
    raise Failed(f"{name} did not start:\n{log.read_text(errors='replace')}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the session that it was started with: it and its workers
        process.wait()


@dataclass(frozen=True)
class Answer:
    """What a server has answered, as it was sent. headers: names in upper or lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(url: str, headers: Mapping[str, str]) -> Answer:
    """GET `url` and return the answer if it is 2xx or 304; raises Failed."""
    try:
        with urlopen(Request(url, headers=dict(headers)), timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except HTTPError as error:
        if error.code == 304:  # what was asked for with If-None-Match has not changed
            return Answer(error.code, error.headers, error.read())
        raise Failed(f"{url} answered {error.code}: {error.read()[:500]!r}") from error
    except OSError as error:
        raise Failed(f"{url}: {error}") from error


def call(url: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """GET `url`, or POST `body` as JSON to it, and return the JSON object of a 2xx answer; raises Failed."""
    data = None if body is None else json.dumps(body).encode()
    asked = Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urlopen(asked, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except HTTPError as error:
        raise Failed(f"{url} answered {error.code}: {error.read()[:500]!r}") from error
    except (OSError, ValueError) as error:
        raise Failed(f"{url}: {error}") from error
