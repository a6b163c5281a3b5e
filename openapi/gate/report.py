"""The changes between two contracts in words: for a terminal, for the changelog, and the policy as tables."""

from collections.abc import Sequence

from openapi.gate.rules import Change, Kind, Rule, Verdict
from openapi.gate.tree import Object, major

NO_CHANGE = "The contract did not change."
BEGIN = "<!-- The contract's changes, written by `python -m openapi.gate --changelog CHANGELOG.md`: -->"
END = "<!-- end of the contract's changes -->"

_HEADINGS = (
    (Verdict.BREAKING, "Changes to the contract that break clients:"),
    (Verdict.COMPATIBLE, "Changes to the contract that are compatible:"),
    (Verdict.NOTICE, "Other changes to the contract:"),
)


class NoMarkers(Exception):
    """A changelog does not have the two lines that mark where the summary goes."""


def lines(changes: Sequence[Change]) -> list[str]:
    """Return a line for each change, or one that says that there is none."""
    return [f"{change.verdict}: {change.place}: {change.text}" for change in changes] or [NO_CHANGE]


def objection(old: Object, new: Object, changes: Sequence[Change]) -> str | None:
    """Return why `new` may not follow `old` and what to do about it; None if it may."""
    count = sum(change.is_breaking for change in changes)
    if not count or major(new) > major(old):
        return None
    before, after = (document["info"]["version"] for document in (old, new))
    many = f"{count} breaking changes" if count > 1 else "1 breaking change"
    return (
        f"{many} since {before} but the version is {after}: "
        f"undo the breaking changes, or set the version to {major(old) + 1}.0.0 (api/ostiary/__init__.py)"
    )


def markdown(changes: Sequence[Change]) -> str:
    """Return the changes as Markdown for the changelog, ending in a line break."""
    parts = []
    for verdict, heading in _HEADINGS:
        told = [f"- {change.place}: {change.text}" for change in changes if change.verdict is verdict]
        if told:
            parts.append("\n".join([heading, "", *told]))
    return "\n\n".join(parts or [NO_CHANGE]) + "\n"


def in_changelog(changelog: str, changes: Sequence[Change]) -> str:
    """Return `changelog` with the summary of `changes` between its markers; raises NoMarkers."""
    before, begun, rest = changelog.partition(f"{BEGIN}\n")
    _, ended, after = rest.partition(f"{END}\n")
    if not begun or not ended:
        raise NoMarkers(f"the changelog has no lines {BEGIN!r} and {END!r} to write between")
    return f"{before}{begun}\n{markdown(changes)}\n{ended}{after}"


def policy() -> str:
    """Return the policy as Markdown: one table of the changes that depend on the side, one of the others."""
    sided = [kind.value for kind in Kind if kind.value.answer is not None]
    others = [kind.value for kind in Kind if kind.value.answer is None]
    return "\n".join(
        [
            "| change | verdict |",
            "| --- | --- |",
            *(f"| {rule.says} | {rule.request} |" for rule in others),
            "",
            "| change | in a request | in an answer | in an error answer |",
            "| --- | --- | --- | --- |",
            *map(_row, sided),
            "",
        ]
    )


def _row(rule: Rule) -> str:
    return f"| {rule.says} | {rule.request} | {rule.answer} | {rule.error} |"
