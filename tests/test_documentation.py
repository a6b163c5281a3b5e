"""Every code block of README.md and docs/ is run by a test, or marked as output, configuration or example.

| info string | meaning |
| --- | --- |
| `console` | commands with their output: run on a live server, one for each page |
| `sh`, `python`, `ts`, `js` | run by the test that PROGRAMS names |
| `sh example`, `python example` | for another machine, or a part of a program: checked as far as that is possible |
| `text`, `json`, `http` | output |
| `ini`, `yaml`, `nginx`, `caddy`, `haproxy` | configuration: CONFIGURATIONS names the test that uses it |
"""

import re
import shlex
import subprocess
import zlib
from pathlib import Path

import click
import pytest

from ostiary.cli import main
from tests.support.pages import ROOT, Block, Terminal, blocks, matches, pages, rounds
from tests.support.programs import program
from tests.support.servers import running

pytestmark = pytest.mark.uncounted  # the servers are processes of their own

OUTPUT = {"text", "json", "http"}
QUICK_START = "tests/test_quick_start.py::test_the_shell_of_the_readme_works"
SDK_PYTHON = "openapi/sdk/test_docs.py::test_the_python_programs_compile_and_run"
SDK_TYPESCRIPT = "openapi/sdk/test_docs.py::test_the_typescript_programs_compile_and_run"
RESOURCE_SERVERS = "openapi/sdk/test_examples.py::test_the_page_shows_the_examples_as_they_are"

PROGRAMS = {
    ("README.md", "sh"): QUICK_START,
    ("docs/api-keys.md", "python"): "tests/test_documentation.py::test_a_scanner_recognizes_keys_by_their_checksum",
    ("docs/configuration.md", "sh"): "tests/test_settings.py::test_the_examples_of_the_documentation_are_accepted",
    ("docs/keys.md", "js"): RESOURCE_SERVERS,
    ("docs/keys.md", "python"): RESOURCE_SERVERS,
    ("docs/sdk.md", "python"): SDK_PYTHON,
    ("docs/sdk.md", "ts"): SDK_TYPESCRIPT,
}
"""Which test runs the programs of a page."""

CONFIGURATIONS = {
    ("docs/contract-tests.md", "yaml"): None,
    ("docs/deploying.md", "caddy"): "tests/attacks/test_documented.py::test_the_page_shows_the_file_as_it_is",
    ("docs/deploying.md", "haproxy"): "tests/attacks/test_documented.py::test_the_page_shows_the_file_as_it_is",
    ("docs/deploying.md", "ini"): "tests/attacks/test_documented.py::test_the_page_shows_the_file_as_it_is",
    ("docs/deploying.md", "nginx"): "tests/attacks/test_documented.py::test_the_page_shows_the_file_as_it_is",
    ("docs/forward-auth.md", "caddy"): "tests/attacks/test_forward_auth.py::test_the_page_shows_the_file_as_it_is",
    ("docs/forward-auth.md", "nginx"): "tests/attacks/test_forward_auth.py::test_the_page_shows_the_file_as_it_is",
    ("docs/processes.md", "ini"): None,
}
"""Which test uses the configuration of a page; None: no test can, since it is for systemd or a hosted service."""

USER = '{"username": "user1", "password": "password123"}'
LOGGED_IN = f"""
curl http://127.0.0.1:8000/register --json '{USER}' >/dev/null
ACCESS_TOKEN=$(curl http://127.0.0.1:8000/login --json '{USER}' |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
"""
PREPARED = {
    "docs/api-keys.md": LOGGED_IN,
    "docs/keys.md": LOGGED_IN,
    "docs/sessions.md": LOGGED_IN,
    "docs/sandbox.md": LOGGED_IN,
}
"""What a reader has done before the first command of a page."""

EVERY_BLOCK = [block for page in pages() for block in blocks(page)]


def named(block: Block) -> str:
    return f"{block.page} {block.number} {block.info}"


def test_every_code_block_is_run_or_marked() -> None:
    known = {"console", *OUTPUT}
    others = [one for one in EVERY_BLOCK if one.info not in known and not one.is_example]
    unknown = [named(one) for one in others if (one.page, one.language) not in PROGRAMS | CONFIGURATIONS]
    assert unknown == []


@pytest.mark.parametrize("test", sorted({one for one in (PROGRAMS | CONFIGURATIONS).values() if one is not None}))
def test_the_named_tests_exist(test: str) -> None:
    file, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_the_registries_name_nothing_that_is_gone() -> None:
    assert {*PROGRAMS, *CONFIGURATIONS} <= {(one.page, one.language) for one in EVERY_BLOCK}


@pytest.mark.parametrize("page", sorted({one.page for one in EVERY_BLOCK if one.info == "console"}))
def test_the_commands_of_a_page_answer_what_it_shows(page: str, tmp_path: Path) -> None:
    program("curl")
    sandbox = "true" if page == "docs/sandbox.md" else "false"
    with running(["serve"], {"OSTIARY_PORT": "0", "OSTIARY_SANDBOX": sandbox}, tmp_path) as server:
        terminal = Terminal(server, tmp_path)
        terminal.run(PREPARED.get(page, "true"))
        for command, shown in (one for block in blocks(page, "console") for one in rounds(block.text)):
            seen = terminal.run(command)
            assert matches(shown, seen), f"{command}\n\nshown:\n{shown}\n\nseen:\n{seen}"


@pytest.mark.parametrize("block", [one for one in EVERY_BLOCK if one.language == "python"], ids=named)
def test_python_compiles(block: Block) -> None:
    compile(block.text, named(block), "exec")


@pytest.mark.parametrize("block", [one for one in EVERY_BLOCK if one.language in ("sh", "console")], ids=named)
def test_commands_are_valid_shell(block: Block) -> None:
    text = block.text
    if block.language == "console":
        text = "\n".join(command for command, _ in rounds(text))
    subprocess.run(["bash", "-n", "-c", text], check=True)


COMMANDS = {
    command
    for block in EVERY_BLOCK
    if block.language in ("sh", "console")
    for command in re.findall(r"(?:^|\$ |&& |\(|\s)(ostiary [^\n#&|;)]*)", block.text)
}


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_every_documented_command_exists_with_its_options(line: str) -> None:
    command: click.Command = main
    arguments = shlex.split(line)[1:]
    context = click.Context(command)
    while isinstance(command, click.Group):
        name = arguments.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name!r}"
        command, context = found, click.Context(found, parent=context)
    if command.params:
        command.make_parser(context).parse_args(arguments)  # raises NoSuchOption


def test_a_scanner_recognizes_keys_by_their_checksum() -> None:
    (block,) = blocks("docs/api-keys.md", "python")
    names: dict[str, object] = {}
    exec(block.text, names)
    is_key = names["is_key"]
    assert callable(is_key)
    body = "ost_" + "A" * 43
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = zlib.crc32(body.encode())
    check = "".join(digits[number // 62**place % 62] for place in range(5, -1, -1))
    assert is_key(body + check)
    assert not is_key("ost_B" + body[5:] + check)
