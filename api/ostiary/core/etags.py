"""Entity-tags: each names one version of one thing, and a change may ask for the version that it is meant for."""

import hashlib
import re
from dataclasses import dataclass

from ostiary.core.fields import trimmed
from ostiary.core.problems import ProblemType

_TAG = re.compile(r'(W/)?("[!#-~\x80-\xff]*")')

PRECONDITION_REQUIRED = ProblemType(
    code="precondition_required",
    status=428,
    title="The change does not say which version it is meant for",
    detail="Send If-Match with the ETag of the version that you have seen.",
    remedy="Read the object (GET), and send the ETag of that answer as If-Match (RFC 6585 section 3).",
)
PRECONDITION_FAILED = ProblemType(
    code="precondition_failed",
    status=412,
    title="Somebody has changed it meanwhile",
    detail="If-Match does not name the present version. Nothing was changed.",
    remedy="Read the object again (GET), decide anew, and send the ETag of that answer as If-Match.",
)


def etag(*parts: str | int) -> str:
    """Return the strong entity-tag of the version that `parts` name (RFC 9110 section 8.8.3)."""
    text = "\n".join(map(str, parts))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def tags_of(value: str) -> list[tuple[str, str]]:
    """Return the entity-tags of a list (RFC 9110 section 5.6.1), each as its `W/`, if it is weak, and its quoted text.

    A value that holds anything else names nothing.
    """
    between = _TAG.sub("x", value).replace(" ", "").replace("\t", "")
    if "xx" in between or not set(between) <= {"x", ","} or between.count("x") != len(found := _TAG.findall(value)):
        return []
    return found


def names(if_none_match: str, present: str) -> bool:
    """Return whether the value of If-None-Match names the entity-tag `present` (RFC 9110 section 13.1.2).

    The comparison is weak: a `W/` before the quotes does not matter.
    """
    if present not in if_none_match:  # what most clients send is read no further
        return trimmed(if_none_match) == "*"
    return any(tag == present for _, tag in tags_of(if_none_match))


@dataclass(frozen=True)
class Condition:
    """Which version a change is meant for. tags: entity-tags in their quotes; None: whichever there is."""

    tags: frozenset[str] | None

    @classmethod
    def of(cls, if_match: str) -> "Condition":
        """Read the value of If-Match (RFC 9110 section 13.1.1): a weak entity-tag names nothing, nor does nonsense."""
        if trimmed(if_match) == "*":
            return ANY_VERSION
        return cls(frozenset(tag for weak, tag in tags_of(if_match) if not weak))

    def check(self, present: str) -> None:
        """Raise the problem `precondition_failed` unless the entity-tag `present` is the one that is meant."""
        if self.tags is not None and present not in self.tags:
            raise PRECONDITION_FAILED()


ANY_VERSION = Condition(None)
"""For changes that fit every version."""
