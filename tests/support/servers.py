"""Real server processes, started as a user starts them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

STARTED = re.compile(r"(?:listens at|Listening at:|[Rr]unning on) (http://\S+)")

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def children(server: "ServerProcess") -> set[int]:
    """The processes that the server's own process has started, or inherited, and not reaped yet."""
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return {int(pid) for pid in listed.split()}


def runs(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


class ServerProcess:
    """A running server. `url`: where it listens. `output`: all that it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = ""
        self._lines: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    @property
    def plain_output(self) -> str:
        """The same without colours."""
        return COLOURS.sub("", self.output)

    def wait_until_ready(self, timeout: float = 240) -> None:
        if not self._ready.wait(timeout) or not self.url:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self._close()
            raise AssertionError(f"the server did not start: {self.output}")

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 60) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        self._close()
        return code

    def signal_workers(self, which: signal.Signals) -> None:
        """Send a signal to each worker; the supervisor does not answer requests."""
        for pid in children(self):
            os.kill(pid, which)

    def kill(self) -> None:
        """End the command and its workers at once, as a power cut does: workers alone would end in order."""
        workers = children(self)
        for pid in (self.process.pid, *workers):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_for_output(self, text: str, timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while text not in self.output:
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} was not printed: {self.output}")
            time.sleep(0.02)

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            found = STARTED.search(line)
            if found:
                self.url = found.group(1)
                self._ready.set()
        self._ready.set()


def environment_without_settings() -> dict[str, str]:
    """This process's environment, without OSTIARY_* variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}


def start_process(
    arguments: list[str], environment: Mapping[str, str], directory: Path, through: Sequence[str] = ()
) -> ServerProcess:
    """Start `python *arguments` without OSTIARY_* variables but those given; `through` another command, if given."""
    process = subprocess.Popen(
        [*through, sys.executable, *arguments],
        cwd=directory,
        env={**environment_without_settings(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    return ServerProcess(process)


@contextmanager
def running(arguments: list[str], environment: Mapping[str, str], directory: Path) -> Iterator[ServerProcess]:
    """A server for the duration of a with statement; `arguments` are those of the `ostiary` command."""
    server = start_process(["-m", "ostiary.cli", *arguments], environment, directory)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()
