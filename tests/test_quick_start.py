"""The first commands that a new user runs: those of README.md."""

import re
from pathlib import Path

import pytest

from tests.support.pages import Terminal, blocks
from tests.support.programs import program
from tests.support.servers import running

pytestmark = pytest.mark.uncounted  # the server is a process of its own


def test_the_shell_of_the_readme_works(tmp_path: Path) -> None:
    program("curl")
    (block,) = [one for one in blocks("README.md", "sh") if "ACCESS_TOKEN=" in one.text]
    with running(["serve"], {"OSTIARY_PORT": "0"}, tmp_path) as server:
        seen = Terminal(server, tmp_path).run(block.text)
    registered, protected, logged_out = re.findall(r'"message":"([^"]*)"', seen)
    assert registered == "User registered successfully!"
    assert protected == "This is a protected route!"
    assert logged_out == "Successfully logged out!"


@pytest.mark.parametrize("page", ["README.md", "docs/quick-start.md"])
def test_the_first_commands_use_a_virtual_environment(page: str) -> None:
    first = blocks(page)[0].text
    assert first.index("python3 -m venv") < first.index("pip install .") < first.index("ostiary serve")
