"""Entity-tags. Each names one version of an object, and a change can name the version that it is meant for."""

import hashlib
from dataclasses import dataclass

from werkzeug.http import parse_etags

from ostiary.core.fields import trimmed
from ostiary.core.problems import ProblemType

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
    """Return the strong entity-tag of the version that `parts` identify (RFC 9110 section 8.8.3)."""
    text = "\n".join(map(str, parts))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def names(if_none_match: str, present: str) -> bool:
    """Return whether the value of If-None-Match names the entity-tag `present` (RFC 9110 section 13.1.2).

    The comparison is weak: a `W/` before the quotes does not matter.
    """
    if present not in if_none_match:  # most values are not parsed further
        return trimmed(if_none_match) == "*"
    return parse_etags(if_none_match).contains_weak(present.strip('"'))


@dataclass(frozen=True)
class Condition:
    """The version that a change is meant for. tags: entity-tags without quotes; None: any version."""

    tags: frozenset[str] | None

    @classmethod
    def of(cls, if_match: str) -> "Condition":
        """Read the value of If-Match (RFC 9110 section 13.1.1). A weak entity-tag names nothing."""
        if trimmed(if_match) == "*":
            return ANY_VERSION
        return cls(frozenset(parse_etags(if_match).as_set()))

    def check(self, present: str) -> None:
        """Raise the problem `precondition_failed` unless the change is meant for the entity-tag `present`."""
        if self.tags is not None and present.strip('"') not in self.tags:
            raise PRECONDITION_FAILED()


ANY_VERSION = Condition(None)
"""The condition of changes that are meant for any version."""
