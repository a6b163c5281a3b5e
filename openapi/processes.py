"""Running tools."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Answer = subprocess.CompletedProcess[str]


class ToolFailed(Exception):
    """A tool ended with an error; the message is what it printed."""


def run(command: Sequence[str | Path], directory: Path, variables: Mapping[str, str] | None = None) -> Answer:
    """Run a tool in `directory`, with more environment `variables`, and return what it answered, whatever it was."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def succeeded(answer: Answer) -> str:
    """Return what a tool printed; raises ToolFailed if it ended with an error."""
    if answer.returncode != 0:
        raise ToolFailed(f"{' '.join(answer.args)}\n{answer.stdout}{answer.stderr}")
    return answer.stdout
