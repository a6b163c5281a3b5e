"""The pages of the documentation: their code blocks, and a terminal that runs the commands in them."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import COLOURS, ServerProcess, environment_without_settings

ROOT = Path(__file__).parents[2]
SHOWN_ADDRESS = "http://127.0.0.1:8000"
SHOWN_FOLDER = "/home/you/ostiary"
PASSWORD = "correct horse battery"
"""What the terminal enters where a command asks for a password."""

_BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)")
_PROMPT = re.compile(rb"(?:Password|confirmation): *")


@dataclass(frozen=True)
class Block:
    """A fenced code block. info: what follows the opening fence, such as `sh` or `sh example`."""

    page: str
    number: int
    info: str
    text: str

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def is_example(self) -> bool:
        """Whether it is for another place than the tests: another machine, or a user's own code."""
        return self.info.partition(" ")[2] == "example"


def pages() -> list[str]:
    """The pages for users: the README, and docs/ without the decisions."""
    return ["README.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]


def blocks(page: str, info: str | None = None) -> list[Block]:
    found = enumerate(_BLOCK.findall((ROOT / page).read_text()))
    return [Block(page, number, *one) for number, one in found if info in (None, one[0])]


def rounds(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that the page shows for it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = 1
        while lines[length - 1].endswith(("\\", "|")):
            length += 1
        yield "\n".join(lines[:length]), "\n".join(lines[length:])


def matches(shown: str, seen: str) -> bool:
    """Return whether `seen` is what a page shows: `…` stands for anything, ids and times differ from run to run."""
    lines = [_masked(line) for line in shown.splitlines() if line.strip()]
    pattern = r"\s*".join(re.escape(line).replace("…", "(?s:.*?)") for line in lines)
    return re.fullmatch(rf"\s*{pattern}\s*", _masked(seen)) is not None


def _masked(text: str) -> str:
    return _TIME.sub("TIME", _UUID.sub("ID", text)).strip()


class Terminal:
    """A shell in the folder of a server, on a terminal of its own. Variables last from one command to the next."""

    def __init__(self, server: ServerProcess, directory: Path) -> None:
        self._server = server
        self._directory = directory
        self._variables = directory / ".variables"
        self._variables.touch()
        self._programs = directory / ".programs"
        self._programs.mkdir()
        command = self._programs / "ostiary"  # that of the package under test, whatever is installed beside it
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m ostiary.cli "$@"\n')
        command.chmod(0o755)

    def run(self, commands: str) -> str:
        """Return what a user sees, with the address and the folder that the pages show."""
        commands = commands.replace(SHOWN_ADDRESS, self._server.url).replace("curl ", "curl -s ")
        script = f"set -a; . {self._variables}\n{commands}\nstatus=$?; export -p >{self._variables}; exit $status"
        path = f"{self._programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        main, terminal = pty.openpty()
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "bash", "-c", script],
            cwd=self._directory,
            env={**environment_without_settings(), "PATH": path, "TERM": "dumb", "NO_COLOR": "1"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        seen, asked = b"", 0
        while part := _read(main):
            seen += part
            if len(_PROMPT.findall(seen)) > asked:
                asked += 1
                os.write(main, PASSWORD.encode() + b"\n")
        os.close(main)
        assert process.wait(60) == 0, seen.decode()
        text = COLOURS.sub("", seen.decode()).replace("\r", "").replace(self._server.url, SHOWN_ADDRESS)
        return text.replace(str(self._directory), SHOWN_FOLDER)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the command has ended
        return b""
