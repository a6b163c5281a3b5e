"""The report of the changes."""

import pytest

from openapi.gate import Change, Kind, report
from openapi.gate.rules import Verdict
from openapi.gate.tests.contracts import Json, contract

BREAKING = Change(Kind.STATUS_REMOVED, "POST /things", "the status was removed", Verdict.BREAKING)
ADDED = Change(Kind.STATUS_ADDED, "POST /things", "the status was added", Verdict.COMPATIBLE)
NOTED = Change(Kind.DEPRECATED, "POST /things", "`deprecated` was added: `true`", Verdict.NOTICE)


def document(version: str) -> Json:
    return contract({}, info={"version": version})


def test_each_change_has_a_line() -> None:
    assert report.lines([BREAKING, ADDED, NOTED]) == [
        "breaking: POST /things: the status was removed",
        "compatible: POST /things: the status was added",
        "notice: POST /things: `deprecated` was added: `true`",
    ]
    assert report.lines([]) == ["The contract did not change."]


@pytest.mark.parametrize(
    ("changes", "old", "new", "told"),
    [
        ([], "1.2.3", "1.2.3", None),
        ([ADDED, NOTED], "1.2.3", "1.2.3", None),
        ([BREAKING], "1.2.3", "2.0.0", None),
        ([BREAKING], "9.2.3", "10.0.0", None),
        ([BREAKING], "2.0.0", "1.0.0", "1 breaking change since 2.0.0 but the version is 1.0.0"),
        ([BREAKING, ADDED], "1.2.3", "1.3.0", "1 breaking change since 1.2.3 but the version is 1.3.0"),
        ([BREAKING, BREAKING], "0.1.0", "0.2.0", "2 breaking changes since 0.1.0 but the version is 0.2.0"),
    ],
)
def test_a_breaking_change_needs_a_higher_major_version(
    changes: list[Change], old: str, new: str, told: str | None
) -> None:
    objection = report.objection(document(old), document(new), changes)
    if told is None:
        assert objection is None
    else:
        next_major = int(old.partition(".")[0]) + 1
        assert (
            objection
            == f"{told}: undo the breaking changes, or set the version to {next_major}.0.0 (api/ostiary/__init__.py)"
        )


def test_markdown_lists_breaking_changes_first_and_leaves_out_empty_sections() -> None:
    assert report.markdown([BREAKING, ADDED, NOTED]) == (
        "Changes to the contract that break clients:\n\n- POST /things: the status was removed\n\n"
        "Changes to the contract that are compatible:\n\n- POST /things: the status was added\n\n"
        "Other changes to the contract:\n\n- POST /things: `deprecated` was added: `true`\n"
    )
    assert report.markdown([ADDED]) == (
        "Changes to the contract that are compatible:\n\n- POST /things: the status was added\n"
    )
    assert report.markdown([]) == "The contract did not change.\n"


def test_the_changelog_is_written_between_its_markers_alone() -> None:
    empty = f"# Changelog\n\n## 1.0.0\n\n- Things.\n\n{report.BEGIN}\n{report.END}\n\n## 0.9.0\n"
    told = report.in_changelog(empty, [ADDED])
    assert told == empty.replace(f"{report.BEGIN}\n", f"{report.BEGIN}\n\n{report.markdown([ADDED])}\n")
    assert report.in_changelog(told, [ADDED]) == told
    assert report.in_changelog(told, []) == empty.replace(
        f"{report.BEGIN}\n", f"{report.BEGIN}\n\n{report.NO_CHANGE}\n\n"
    )


@pytest.mark.parametrize("changelog", ["", f"{report.BEGIN}\n", f"{report.END}\n{report.BEGIN}\n"])
def test_a_changelog_without_markers_is_refused(changelog: str) -> None:
    with pytest.raises(report.NoMarkers, match="the changelog has no lines"):
        report.in_changelog(changelog, [])


def test_the_policy_has_a_row_for_each_kind_of_change() -> None:
    rows = [line for line in report.policy().splitlines() if line.startswith("| ") and " --- " not in line]
    assert len(rows) == len(Kind) + 2
    assert len(set(Kind.__members__.values())) == len(Kind.__members__)
    assert "| a required one becomes optional | compatible | breaking | breaking |" in rows
    assert "| security is loosened | notice |" in rows
