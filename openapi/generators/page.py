"""The documentation as its readers use it: the commands under a heading, run one after another."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from contract_tests.server import clean_environment, ostiary
from openapi.node import HERE as OPENAPI
from openapi.node import NODE, QUIET, WHEEL
from openapi.processes import run, succeeded

PAGE = OPENAPI.parent / "docs" / "sdk.md"
ADDRESS = "https://auth.example.org"
"""The address that the page names, in whose place the commands get the address of the test's server."""

JOURNEYS = Path(__file__).parent / "journeys"
NPX = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"


def commands(heading: str, page: Path = PAGE, block: int = 0) -> str:
    """Return a block of shell commands under a heading of the page; blocks are counted from 0."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"{page.name} has no heading {heading}"
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert len(blocks) > block, f"{len(blocks)} blocks of commands under {heading}"
    return blocks[block]


def environment(directory: Path, modules: Path | None = None) -> dict[str, str]:
    """Prepare `directory` for commands of the page and return the environment variables that they need.

    `modules` is the node_modules where npx finds its tools. npx and go download nothing.
    """
    tools = directory / ".tools"
    tools.mkdir(exist_ok=True)
    _script(tools / "ostiary", ostiary())
    _script(tools / "npx", [str(NODE), str(NPX)])
    if modules and not (directory / "node_modules").exists():
        (directory / "node_modules").symlink_to(modules)
        (directory / "package.json").write_text('{"type": "module", "private": true}\n')
    path = [tools, NODE.parent, Path(sys.executable).parent, os.environ.get("PATH", "")]
    return clean_environment(
        {
            **QUIET,
            "PATH": os.pathsep.join(map(str, path)),
            "npm_config_offline": "true",
            "CGO_ENABLED": "0",  # a bare machine has no C compiler
            "GOFLAGS": "-mod=mod",
            "GOPROXY": "off",
            "GOTOOLCHAIN": "local",
        }
    )


def follow(script: str, directory: Path, address: str, modules: Path | None = None, **variables: str) -> str:
    """Run commands of the page in `directory` and return what they print; raises ToolFailed.

    `address` replaces the address of the page; `variables` are more environment variables. Files that the page tells
    readers to save are in the directory from the start.
    """
    unset = [f"--unset={name}" for name in os.environ if name.startswith("OSTIARY_")]
    shell = ["env", *unset, "sh", "-euc", script.replace(ADDRESS, address)]
    return succeeded(run(shell, directory, {**environment(directory, modules), **variables}))


def save_journey(name: str, directory: Path, saved: str | None = None) -> None:
    """Save one of the programs that the page links to, as its readers do."""
    assert f"openapi/generators/journeys/{name}" in PAGE.read_text()
    shutil.copy(JOURNEYS / name, directory / (saved or name))


def _script(path: Path, command: list[str]) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)
