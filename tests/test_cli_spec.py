"""`ostiary spec compare` and `ostiary spec export`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ostiary.cli import main
from ostiary.web.compatibility import report

ROOT = Path(__file__).parents[1]


def compare(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["spec", "compare", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return _write(tmp_path / "old.json", "1.2.0", {"200": {}, "404": {}})


def _write(file: Path, version: str, responses: dict[str, Any]) -> Path:
    operation = {"operationId": "makeThing", "responses": responses}
    document = {"openapi": "3.1.0", "info": {"version": version}, "paths": {"/things": {"post": operation}}}
    file.write_text(json.dumps(document))
    return file


def test_the_released_contract_and_the_present_one_are_compared_unless_others_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    named = compare("openapi/released.json", "openapi/openapi.json")
    result = compare()
    assert (result.exit_code, result.output) == (0, named.output)
    assert result.output


def test_a_breaking_change_fails_and_is_told_first(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "1.3.0", {"201": {}, "404": {}}))
    assert result.exit_code == 1
    assert result.stdout == (
        "breaking: POST /things: the status 200 is removed\ncompatible: POST /things: the status 201 is added\n"
    )
    assert result.stderr == (
        "ostiary: 1 breaking change since 1.2.0 but the version is 1.3.0: "
        "undo what breaks, or make the version 2.0.0 (api/ostiary/__init__.py)\n"
    )


def test_a_breaking_change_passes_with_a_new_major_version(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "2.0.0", {"404": {}}))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "breaking: POST /things: the status 200 is removed\n"


def test_an_addition_passes(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "1.2.0", {"200": {}, "404": {}, "409": {}}))
    assert (result.exit_code, result.output) == (0, "compatible: POST /things: the status 409 is added\n")


def test_no_change_is_told(old: Path) -> None:
    assert compare(old, old).output == "No change to the contract.\n"
    assert compare(old, old, "--markdown").output == "No change to the contract.\n"


def test_the_changes_are_told_as_markdown(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "1.2.0", {"404": {}}), "--markdown")
    assert result.exit_code == 1
    assert result.stdout == (
        "Changes to the contract that break clients:\n\n- POST /things: the status 200 is removed\n"
    )


def test_the_changes_are_written_into_a_changelog(tmp_path: Path, old: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"# Änderungen\n\n{report.BEGIN}\n{report.END}\n", encoding="utf-8")
    new = _write(tmp_path / "new.json", "1.2.0", {"200": {}, "404": {}, "409": {}})
    assert compare(old, new, "--changelog", changelog).exit_code == 0
    told = "Changes to the contract that clients need not follow:\n\n- POST /things: the status 409 is added\n"
    assert changelog.read_text(encoding="utf-8") == f"# Änderungen\n\n{report.BEGIN}\n\n{told}\n{report.END}\n"


def test_a_changelog_without_markers_is_told_in_a_line(tmp_path: Path, old: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("# Changelog\n")
    result = compare(old, old, "--changelog", changelog)
    assert result.exit_code == 1
    assert (
        result.stderr == f"ostiary: the changelog has no lines {report.BEGIN!r} and {report.END!r} to write between\n"
    )
    assert changelog.read_text() == "# Changelog\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON: "),
        ("{", "is not JSON: "),
        ('{"swagger": "2.0"}', "not an OpenAPI document of version 3"),
        ('{"openapi": "3.1.0", "info": {"version": "1.0.0"}, "paths": []}', "`paths` is [], not an object"),
        (
            '{"openapi": "3.1.0", "info": {"version": "1.0.0"}, "paths": {"/": {"$ref": "#/nowhere"}}}',
            "the reference #/nowhere leads nowhere",
        ),
    ],
)
def test_a_file_that_is_no_contract_is_told_in_a_line(tmp_path: Path, old: Path, text: str, told: str) -> None:
    file = tmp_path / "new.json"
    file.write_text(text)
    for result in (compare(old, file), compare(file, old)):
        assert result.exit_code == 1
        assert result.stderr.startswith("ostiary: ")
        assert told in result.stderr
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


def test_a_file_that_is_not_there_is_told_in_a_line(tmp_path: Path, old: Path) -> None:
    for arguments in (
        (old, tmp_path / "none.json"),
        (tmp_path / "none.json", old),
        (old, old, "--changelog", tmp_path / "no"),
    ):
        result = compare(*arguments)
        assert result.exit_code == 1
        assert "No such file or directory" in result.stderr
        assert result.stderr.count("\n") == 1


def test_it_prints_the_policy() -> None:
    assert compare("--policy").output == report.policy()


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
