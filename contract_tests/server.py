"""Server processes, started as a user starts them."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .people import Credentials
from .services import ServiceClient

LISTENS = re.compile(r"(?:listens at|Running on) (http://\S+)")
SECONDS_TO_START = 60
SECONDS_TO_STOP = 60

QUICK = {
    "OSTIARY_PORT": "0",
    "OSTIARY_WORKERS": "2",
    "OSTIARY_CONTRACT_CHECKS": "raise",
    "OSTIARY_ARGON2_MEMORY_KIB": "8",
    "OSTIARY_ARGON2_TIME_COST": "1",
    "OSTIARY_ARGON2_PARALLELISM": "1",
}
"""The development profile on a free port, with passwords that are cheap to hash; the server checks itself as well."""


def ostiary() -> list[str]:
    """Return the command `ostiary` of the environment that runs the tests."""
    beside = shutil.which("ostiary", path=str(Path(sys.executable).parent))
    return [beside] if beside else [sys.executable, "-m", "ostiary.cli"]


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `settings` and no other OSTIARY_* variable."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    return {**inherited, **settings}


class ServerProcess:
    """A server that has been started: `url` is where it listens, `output` what it has printed so far."""

    def __init__(self, command: Sequence[str], settings: Mapping[str, str], directory: Path) -> None:
        self.url = ""
        self._lines: list[str] = []
        self._decided = threading.Event()
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=clean_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Everything that the server has printed so far."""
        return "".join(self._lines)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_until_it_listens(self) -> None:
        """Return once the server has said where it listens; raises RuntimeError with its output if it does not."""
        if not self._decided.wait(SECONDS_TO_START) or not self.url:
            self.stop()
            raise RuntimeError(f"the server did not start:\n{self.output}")

    def stop(self) -> None:
        """End the process, first politely."""
        self._process.terminate()
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(SECONDS_TO_STOP)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            found = LISTENS.search(line)
            if found:
                self.url = found.group(1)
                self._decided.set()
        self._decided.set()


@contextmanager
def running(command: Sequence[str], settings: Mapping[str, str], directory: Path) -> Iterator[ServerProcess]:
    """Run `command` in `directory` until the with statement ends."""
    server = ServerProcess(command, settings, directory)
    server.wait_until_it_listens()
    try:
        yield server
    finally:
        server.stop()


def wreck_database(directory: Path) -> None:
    """Overwrite the SQLite files of the server that runs in `directory`, in place, as a broken disk would."""
    for name in ("ostiary.db", "ostiary.db-wal", "ostiary.db-shm"):
        file = directory / "ostiary-data" / name
        if file.exists():
            with file.open("r+b") as opened:
                opened.write(b"\xff" * file.stat().st_size)


def create_administrator(settings: Mapping[str, str], directory: Path, credentials: Credentials) -> None:
    """Make an administrator on the server's own machine, with the same settings and data."""
    arguments = ["users", "create", credentials.username, "--role", "admin", "--password-stdin"]
    _manage(settings, directory, arguments, credentials.password + "\n")


def create_service_client(settings: Mapping[str, str], directory: Path, *, may_revoke: bool = True) -> ServiceClient:
    """Make a service client on the server's own machine, with the same settings and data."""
    allowed = ["--may-revoke"] if may_revoke else []
    told = _manage(settings, directory, ["clients", "create", "contract tests", *allowed])
    found = dict(line.split(": ") for line in told.splitlines())
    return ServiceClient(found["client_id"], found["client_secret"])


def _manage(settings: Mapping[str, str], directory: Path, arguments: Sequence[str], told: str = "") -> str:
    """Run the command `ostiary` on the server's own machine and return what it prints.

    The server may not have been started yet, so its database is created first where there is none.
    """
    printed = ""
    for command in (["migrate"], arguments):
        printed = subprocess.run(
            [*ostiary(), *command],
            cwd=directory,
            env=clean_environment(settings),
            input=told,
            text=True,
            check=True,
            capture_output=True,
            timeout=SECONDS_TO_START,
        ).stdout
    return printed
