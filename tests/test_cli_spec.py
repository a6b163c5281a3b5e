"""`ostiary spec export`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ostiary.cli import main

ROOT = Path(__file__).parents[1]
COMMITTED = json.loads((ROOT / "openapi" / "openapi.json").read_text())


def export(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["spec", "export", *arguments])


def test_an_export_names_the_servers_that_it_is_told_and_nothing_else_differs() -> None:
    result = export("--server", "https://id.example/auth/", "--server", "http://[::1]:8000")
    found = json.loads(result.stdout)
    assert found.pop("servers") == [{"url": "https://id.example/auth"}, {"url": "http://[::1]:8000"}]
    assert found == {name: value for name, value in COMMITTED.items() if name != "servers"}
    assert result.stdout.endswith("}\n")


def test_an_export_without_options_is_the_committed_contract(tmp_path: Path) -> None:
    assert export("--output", str(tmp_path / "openapi.json")).exit_code == 0
    assert (tmp_path / "openapi.json").read_bytes() == (ROOT / "openapi" / "openapi.json").read_bytes()


@pytest.mark.parametrize(
    "address",
    [
        *("", "/", "/auth", "id.example", "//id.example", "ftp://id.example", "https://", "https://id.example:x"),
        *("https://id.example:99999", "https://me@id.example", "https://id.example/?a=b", "https://id.example/#a"),
        *("https://[::1", "https://id.example/a b", "https://id.example:0"),
    ],
)
def test_an_address_that_a_file_cannot_name_is_refused(address: str) -> None:
    result = export("--server", address)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--server'" in result.stderr


def test_an_export_for_openapi_generator_has_no_link_that_it_refuses_and_no_const() -> None:
    found = json.loads(export("--for", "openapi-generator").stdout)
    links = [
        link
        for item in found["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > 4
    assert all(isinstance(link.get("requestBody", ""), str) for link in links)
    assert '"const"' not in json.dumps(found)
    assert '"const"' in json.dumps(COMMITTED)
    code = found["components"]["schemas"]["UsernameTakenProblem"]["properties"]["code"]
    assert code["enum"] == ["username_taken"]


def test_an_export_for_another_tool_is_refused() -> None:
    assert export("--for", "nonsense").exit_code == 2
