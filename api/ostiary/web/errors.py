"""The list of errors of a body or a query, limited in number and length."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ostiary.core.problems import MAX_ERROR_NAME, MAX_ERROR_TEXT, MAX_ERRORS, Problem, ProblemType


def faults(messages: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield a JSON Pointer (RFC 6901) and a text for each of marshmallow's messages."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            written = str(name)[:MAX_ERROR_NAME].replace("~", "~0").replace("/", "~1")
            yield from faults(inner, pointer if name == "_schema" else f"{pointer}/{written}")
    elif isinstance(messages, list):
        for inner in messages:
            yield from faults(inner, pointer)
    else:
        yield pointer, str(messages)


def problem_of(kind: ProblemType, member: str, found: Iterator[tuple[str, str]]) -> Problem:
    """Return the problem with the first errors, and with the total number if there are more.

    member: the member of an entry that names the place. Names come from the client, so long ones are truncated.
    """
    listed = list(islice(found, MAX_ERRORS))
    more = sum(1 for _ in found)
    detail = f"{kind.detail} The first {MAX_ERRORS} are listed; there are {more} more." if more else None
    errors = [{member: _cut(place, MAX_ERROR_NAME), "detail": _cut(text, MAX_ERROR_TEXT)} for place, text in listed]
    return kind(detail, errors=errors)


def _cut(text: str, length: int) -> str:
    # An escape of a JSON Pointer that was cut through would be none: `~` stands before `0` or `1`.
    return text if len(text) <= length else text[:length].removesuffix("~")
