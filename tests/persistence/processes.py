"""Starting the processes of `tests.persistence.process`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def started(command: str, url: str, arguments: list[int]) -> Iterator[list[subprocess.Popen[str]]]:
    """One process for each argument; all begin together, and are killed at the end if they have not ended."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(command, url, argument)) for argument in arguments]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        yield processes


@contextmanager
def _process(command: str, url: str, argument: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.persistence.process", command, url, str(argument)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def outputs(command: str, url: str, arguments: list[int]) -> list[str]:
    """What each process prints, once all have ended well."""
    with started(command, url, arguments) as processes:
        told = [process.communicate(timeout=60)[0].strip() for process in processes]
        assert [process.returncode for process in processes] == [0] * len(processes), told
        return told
