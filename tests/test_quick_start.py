"""The commands of README.md and docs/quick-start.md give the answers that those pages show."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import program
from tests.support.servers import ServerProcess, running

pytestmark = pytest.mark.uncounted  # the server is a process of its own

ROOT = Path(__file__).parents[1]
FOLDER = "/home/you/ostiary"
SHOWN = "http://127.0.0.1:8000"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
PASSWORD = "correct horse battery"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    program("curl")
    with running(["serve"], {"OSTIARY_PORT": "0"}, tmp_path) as server:
        yield server


@dataclass
class Terminal:
    """A shell that stays open, in the folder of the server."""

    server: ServerProcess
    directory: Path

    def run(self, commands: str) -> str:
        """Return what a person sees."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        main, terminal = pty.openpty()
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "bash", "-c", commands.replace(SHOWN, self.server.url)],
            cwd=self.directory,
            env={**os.environ, "PATH": path, "TERM": "dumb", "NO_COLOR": "1"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        seen = b""
        asked = 0
        while part := _read(main):
            seen += part
            if len(re.findall(rb"(?:Password|confirmation): *", seen)) > asked:
                asked += 1
                os.write(main, PASSWORD.encode() + b"\n")
        os.close(main)
        assert process.wait(60) == 0, seen
        text = seen.decode().replace("\r\n", "\n").replace(self.server.url, SHOWN)
        return text.replace(str(self.directory), FOLDER)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # everybody has closed it
        return b""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def rounds(block: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a console block, each with the lines that follow it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found[-1][0].endswith("|"):
            found[-1] = (found[-1][0] + line, [])
        else:
            found[-1][1].append(line)
    return found


def masked(text: str) -> list[str]:
    lines = TIME.sub("TIME", UUID.sub("ID", text)).splitlines()
    return [line.strip() for line in lines if line.strip() and "Total" not in line and "Dload" not in line]


def test_the_quick_start_answers_what_it_shows(server: ServerProcess, tmp_path: Path) -> None:
    terminal = Terminal(server, tmp_path)
    assigned = ""
    for command, expected in (one for block in blocks("docs/quick-start.md", "console") for one in rounds(block)):
        if command.startswith("ACCESS_TOKEN="):
            token = terminal.run(f"{command}; echo $ACCESS_TOKEN").strip()
            assigned = f"ACCESS_TOKEN={token}; "
            continue
        seen = terminal.run(assigned + command.replace("curl ", "curl -s "))
        assert masked(seen) == masked("\n".join(expected)), command


def test_the_shell_of_the_readme_works(server: ServerProcess, tmp_path: Path) -> None:
    (block,) = [one for one in blocks("README.md", "sh") if "ACCESS_TOKEN=" in one]
    seen = Terminal(server, tmp_path).run(block.replace("curl ", "curl -s "))
    registered, protected, logged_out = re.findall(r'"message":"([^"]*)"', seen)
    assert registered == "User registered successfully!"
    assert protected == "This is a protected route!"
    assert logged_out == "Successfully logged out!"


@pytest.mark.parametrize("page", ["README.md", "docs/quick-start.md"])
def test_the_first_commands_use_a_virtual_environment(page: str) -> None:
    first = blocks(page, "sh")[0]
    assert first.index("python3 -m venv") < first.index("pip install .") < first.index("ostiary serve")
