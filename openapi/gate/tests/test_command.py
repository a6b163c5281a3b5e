"""`python -m openapi.gate`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from openapi.gate import report
from openapi.gate.__main__ import main

ROOT = Path(__file__).parents[3]


def compare(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return _write(tmp_path / "old.json", "1.2.0", answers(200, 404))


def answers(*statuses: int) -> dict[str, Any]:
    return {str(status): {"description": "An answer."} for status in statuses}


def _write(file: Path, version: str, responses: dict[str, Any]) -> Path:
    operation = {"operationId": "makeThing", "responses": responses}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": version},
        "paths": {"/things": {"post": operation}},
    }
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


def test_a_breaking_change_fails_and_is_reported_first(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "1.3.0", answers(201, 404)))
    assert result.exit_code == 1
    assert result.stdout == (
        "breaking: POST /things, answer 200: the status was removed\n"
        "compatible: POST /things, answer 201: the status was added\n"
    )
    assert result.stderr == (
        "openapi.gate: 1 breaking change since 1.2.0 but the version is 1.3.0: "
        "undo the breaking changes, or set the version to 2.0.0 (api/ostiary/__init__.py)\n"
    )


def test_a_breaking_change_passes_with_a_new_major_version(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "2.0.0", answers(404)))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "breaking: POST /things, answer 200: the status was removed\n"


def test_an_addition_passes(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "1.2.0", answers(200, 404, 409)))
    assert (result.exit_code, result.output) == (0, "compatible: POST /things, answer 409: the status was added\n")


def test_equal_contracts_have_no_changes(old: Path) -> None:
    assert compare(old, old).output == "The contract did not change.\n"
    assert compare(old, old, "--markdown").output == "The contract did not change.\n"


def test_the_changes_are_printed_as_markdown(tmp_path: Path, old: Path) -> None:
    result = compare(old, _write(tmp_path / "new.json", "1.2.0", answers(404)), "--markdown")
    assert result.exit_code == 1
    assert result.stdout == (
        "Changes to the contract that break clients:\n\n- POST /things, answer 200: the status was removed\n"
    )


def test_the_changes_are_written_into_a_changelog(tmp_path: Path, old: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"# Änderungen\n\n{report.BEGIN}\n{report.END}\n", encoding="utf-8")
    new = _write(tmp_path / "new.json", "1.2.0", answers(200, 404, 409))
    assert compare(old, new, "--changelog", changelog).exit_code == 0
    told = "Changes to the contract that are compatible:\n\n- POST /things, answer 409: the status was added\n"
    assert changelog.read_text(encoding="utf-8") == f"# Änderungen\n\n{report.BEGIN}\n\n{told}\n{report.END}\n"


def test_a_changelog_without_markers_is_reported_in_one_line(tmp_path: Path, old: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("# Changelog\n")
    result = compare(old, old, "--changelog", changelog)
    assert result.exit_code == 1
    assert (
        result.stderr
        == f"openapi.gate: the changelog has no lines {report.BEGIN!r} and {report.END!r} to write between\n"
    )
    assert changelog.read_text() == "# Changelog\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ('{"swagger": "2.0"}', "not an OpenAPI document of version 3"),
        ('{"openapi": "3.1.0", "info": {"title": "A", "version": "1.0.0"}, "paths": []}', "not of type"),
    ],
)
def test_a_file_that_is_no_contract_is_reported_in_one_line(tmp_path: Path, old: Path, text: str, reason: str) -> None:
    file = tmp_path / "new.json"
    file.write_text(text)
    for result in (compare(old, file), compare(file, old)):
        assert result.exit_code == 1
        assert result.stderr.startswith("openapi.gate: ")
        assert reason in result.stderr
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


def test_a_file_that_is_not_there_is_reported_in_one_line(tmp_path: Path, old: Path) -> None:
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
