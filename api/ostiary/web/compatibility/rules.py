"""The policy: each kind of change, and whether it breaks a client. openapi/README.md holds it as a table."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Side(StrEnum):
    """Where a value stands. A client suffers when a request is narrowed, or when an answer is widened."""

    REQUEST = "request"
    ANSWER = "answer"
    ERROR = "error answer"


class Verdict(StrEnum):
    """What a change does to a client. NOTICE: nothing, but somebody should look at it."""

    BREAKING = "breaking"
    COMPATIBLE = "compatible"
    NOTICE = "notice"


B, C, N = Verdict.BREAKING, Verdict.COMPATIBLE, Verdict.NOTICE


@dataclass(frozen=True)
class Rule:
    """What a kind of change is, in words, and its verdict on each side; `answer` None: the side does not matter."""

    says: str
    request: Verdict
    answer: Verdict | None = None
    error: Verdict | None = None

    def verdict(self, side: Side) -> Verdict:
        """Return the verdict on `side`."""
        found = {Side.REQUEST: self.request, Side.ANSWER: self.answer, Side.ERROR: self.error}[side]
        return found or self.request


class Kind(Enum):
    """The kinds of change; each one's value is its rule."""

    OPERATION_REMOVED = Rule("an operation is removed, or its path or method changed", B)
    OPERATION_ADDED = Rule("an operation is added", C)
    OPERATION_ID_CHANGED = Rule("an operationId changed", B)
    TAGS_CHANGED = Rule("the tags of an operation changed: SDKs are grouped by them", B)
    PARAMETER_RENAMED = Rule("a path parameter has another name: SDKs name an argument by it", B)
    STATUS_REMOVED = Rule("a status is removed", B)
    STATUS_ADDED = Rule("a status is added", C)
    LINK_REMOVED = Rule("a link is removed or changed", B)
    LINK_ADDED = Rule("a link is added", C)
    SECURITY_TIGHTENED = Rule("security is tightened: a scheme or role added, an alternative removed", B)
    SECURITY_LOOSENED = Rule("security is loosened", N)
    SECURITY_SCHEME_CHANGED = Rule("a security scheme that operations name changed", B)
    SERVER_REMOVED = Rule("a server is removed or changed", B)
    SERVER_ADDED = Rule("a server is added", C)
    DEPRECATED = Rule("something is marked deprecated, or no longer", N)
    OPENAPI_CHANGED = Rule("the document follows another version of OpenAPI", N)
    OTHER_CHANGED = Rule("anything else that the gate does not know differs", B)

    REMOVED = Rule("a member, parameter, body or header is removed", B, B, B)
    REQUIRED_ADDED = Rule("a required member, parameter, body or header is added", B, C, C)
    OPTIONAL_ADDED = Rule("an optional member, parameter, body or header is added", C, C, C)
    MADE_REQUIRED = Rule("an optional one is required now", B, C, C)
    MADE_OPTIONAL = Rule("a required one is optional now", C, B, B)
    MEDIA_TYPE_REMOVED = Rule("a media type is removed", B, B, B)
    MEDIA_TYPE_ADDED = Rule("a media type is added", C, B, B)
    RENAMED = Rule("a schema has another name, or lost or got one: schema names are SDK types", B, B, B)
    TYPE_CHANGED = Rule("a type changed, was widened or was narrowed", B, B, B)
    NULLABILITY_CHANGED = Rule("null is allowed now, or no longer", B, B, B)
    FORMAT_CHANGED = Rule("a format is added, changed or dropped", B, B, B)
    ENUMERATION_CHANGED = Rule("free values are listed now (`enum`, `const`), or listed ones free", B, B, B)
    ENUM_VALUE_REMOVED = Rule("a value of an enumeration is removed", B, B, B)
    ENUM_VALUE_ADDED = Rule("a value of an enumeration is added", C, B, C)
    ALTERNATIVE_REMOVED = Rule("an alternative is removed (`oneOf`, `anyOf`)", B, B, B)
    ALTERNATIVE_ADDED = Rule("an alternative is added", C, B, C)
    CODE_REMOVED = Rule("a problem code is removed", B, B, B)
    CODE_ADDED = Rule("a problem code is added", C, C, C)
    DISCRIMINATOR_CHANGED = Rule("the discriminator of alternatives is added, changed or dropped", B, B, B)
    TIGHTENED = Rule("a bound (`minLength`, `maximum`, `pattern`, `uniqueItems` …) is added or tightened", B, C, C)
    LOOSENED = Rule("a bound is loosened or dropped", C, B, B)
    BOUND_CHANGED = Rule("a bound changed and neither is known to be the tighter one (`pattern`)", B, B, B)
    CLOSED = Rule("unknown members are refused now (`additionalProperties`)", B, C, C)
    OPENED = Rule("unknown members are allowed now", C, C, C)
    DEFAULT_CHANGED = Rule("a default changed or was dropped", B, C, C)
    DEFAULT_ADDED = Rule("a default is added", C, C, C)


@dataclass(frozen=True)
class Change:
    """One difference between two contracts. place: where, as a reader would say it. text: what, as half a sentence."""

    kind: Kind
    place: str
    text: str
    verdict: Verdict

    @property
    def is_breaking(self) -> bool:
        """Whether it breaks clients, and so needs a new major version."""
        return self.verdict is Verdict.BREAKING


class Changes:
    """The changes found so far, each once."""

    def __init__(self) -> None:
        self._found: dict[Change, None] = {}

    def add(self, change: Change) -> None:
        """Note a change."""
        self._found[change] = None

    def all(self) -> list[Change]:
        """Return them, the breaking ones first, else in the order of the document."""
        return sorted(self._found, key=lambda change: not change.is_breaking)


@dataclass(frozen=True)
class Spot:
    """What is being compared: its place, and the side on which it stands. Its changes are noted through it."""

    changes: Changes
    place: str
    side: Side = Side.REQUEST

    def within(self, part: str, side: Side | None = None) -> "Spot":
        """Return the spot of a part of it."""
        return Spot(self.changes, f"{self.place}{part}", side or self.side)

    def add(self, kind: Kind, text: str) -> None:
        """Note a change here."""
        self.changes.add(Change(kind, self.place, text, kind.value.verdict(self.side)))

    def is_in_both(self, what: str, *, old: bool | None, new: bool | None) -> bool:
        """Note what became of `what`: required (True), optional (False) or not there (None); return the question."""
        if new is None and old is not None:
            self.add(Kind.REMOVED, f"{what} is removed")
        elif old is None and new is not None:
            added = Kind.REQUIRED_ADDED if new else Kind.OPTIONAL_ADDED
            self.add(added, f"{what} is added, {'required' if new else 'optional'}")
        elif old != new:
            made = Kind.MADE_REQUIRED if new else Kind.MADE_OPTIONAL
            self.add(made, f"{what} is {'required' if new else 'optional'} now")
        return old is not None and new is not None
