"""The policy: each kind of change, and whether it breaks a client. openapi/README.md shows it as a table."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Side(StrEnum):
    """Who sends a value. Clients break when a request is narrowed, or when an answer is widened."""

    REQUEST = "request"
    ANSWER = "answer"
    ERROR = "error answer"


class Verdict(StrEnum):
    """What a change does to a client. NOTICE: nothing, but a reviewer should look at it."""

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
    TAGS_CHANGED = Rule("the tags of an operation changed: SDKs group operations by tag", B)
    PARAMETER_RENAMED = Rule("a path parameter is renamed: SDKs name an argument after it", B)
    STATUS_REMOVED = Rule("a status is removed", B)
    STATUS_ADDED = Rule("a status is added", C)
    LINK_REMOVED = Rule("a link is removed or changed", B)
    LINK_ADDED = Rule("a link is added", C)
    SECURITY_TIGHTENED = Rule("security is tightened: a scheme or role is added, or an alternative is removed", B)
    SECURITY_LOOSENED = Rule("security is loosened", N)
    SECURITY_SCHEME_CHANGED = Rule("a security scheme that operations use changed", B)
    SERVER_REMOVED = Rule("a server is removed or changed", B)
    SERVER_ADDED = Rule("a server is added", C)
    DEPRECATED = Rule("a deprecation is added or removed", N)
    OPENAPI_CHANGED = Rule("the document follows another version of OpenAPI", N)
    OTHER_CHANGED = Rule("anything else differs", B)

    REMOVED = Rule("a member, parameter, body or header is removed", B, B, B)
    REQUIRED_ADDED = Rule("a required member, parameter, body or header is added", B, C, C)
    OPTIONAL_ADDED = Rule("an optional member, parameter, body or header is added", C, C, C)
    MADE_REQUIRED = Rule("an optional one becomes required", B, C, C)
    MADE_OPTIONAL = Rule("a required one becomes optional", C, B, B)
    MEDIA_TYPE_REMOVED = Rule("a media type is removed", B, B, B)
    MEDIA_TYPE_ADDED = Rule("a media type is added", C, B, B)
    RENAMED = Rule("a schema is renamed, named or inlined: schema names are SDK types", B, B, B)
    TYPE_CHANGED = Rule("a type is changed, widened or narrowed", B, B, B)
    NULLABILITY_CHANGED = Rule("null becomes allowed or refused", B, B, B)
    FORMAT_CHANGED = Rule("a format is added, changed or removed", B, B, B)
    ENUMERATION_CHANGED = Rule("a list of values (`enum`, `const`) is added or removed", B, B, B)
    ENUM_VALUE_REMOVED = Rule("a value of an enumeration is removed", B, B, B)
    ENUM_VALUE_ADDED = Rule("a value of an enumeration is added", C, B, C)
    ALTERNATIVE_REMOVED = Rule("an alternative is removed (`oneOf`, `anyOf`)", B, B, B)
    ALTERNATIVE_ADDED = Rule("an alternative is added", C, B, C)
    CODE_REMOVED = Rule("a problem code is removed", B, B, B)
    CODE_ADDED = Rule("a problem code is added", C, C, C)
    DISCRIMINATOR_CHANGED = Rule("the discriminator of alternatives is added, changed or removed", B, B, B)
    TIGHTENED = Rule("a bound (`minLength`, `maximum`, `pattern`, `uniqueItems` …) is added or tightened", B, C, C)
    LOOSENED = Rule("a bound is loosened or removed", C, B, B)
    BOUND_CHANGED = Rule("a bound changed and neither value is known to be tighter (`pattern`)", B, B, B)
    CLOSED = Rule("unknown members become refused (`additionalProperties`)", B, C, C)
    OPENED = Rule("unknown members become allowed", C, C, C)
    DEFAULT_CHANGED = Rule("a default is changed or removed", B, C, C)
    DEFAULT_ADDED = Rule("a default is added", C, C, C)


class Part(Enum):
    """What a part is to the part that holds it: its name, and the kinds of change when it is removed or added."""

    OPERATION = "operation", Kind.OPERATION_REMOVED, Kind.OPERATION_ADDED
    SERVER = "server", Kind.SERVER_REMOVED, Kind.SERVER_ADDED
    STATUS = "status", Kind.STATUS_REMOVED, Kind.STATUS_ADDED
    LINK = "link", Kind.LINK_REMOVED, Kind.LINK_ADDED
    MEDIA_TYPE = "media type", Kind.MEDIA_TYPE_REMOVED, Kind.MEDIA_TYPE_ADDED
    ALTERNATIVE = "alternative", Kind.ALTERNATIVE_REMOVED, Kind.ALTERNATIVE_ADDED
    CODE = "problem code", Kind.CODE_REMOVED, Kind.CODE_ADDED
    ITEMS = "schema of the items", Kind.TYPE_CHANGED, Kind.TYPE_CHANGED
    UNKNOWN = "permission for unknown members", Kind.CLOSED, Kind.OPENED
    ANY_MEMBER = "permission for members of any name", Kind.REMOVED, Kind.OPTIONAL_ADDED
    # Whether one of these is required decides about its kind when it is added.
    PARAMETER = "parameter", Kind.REMOVED, None
    BODY = "request body", Kind.REMOVED, None
    HEADER = "header", Kind.REMOVED, None
    MEMBER = "member", Kind.REMOVED, None

    def added(self, *, required: bool | None) -> Kind:
        """Return the kind of change when such a part is added."""
        kind: Kind | None = self.value[2]
        return kind or (Kind.REQUIRED_ADDED if required else Kind.OPTIONAL_ADDED)


FACTS = {
    "openapi": Kind.OPENAPI_CHANGED,
    "operationId": Kind.OPERATION_ID_CHANGED,
    "tags": Kind.TAGS_CHANGED,
    "parameter name": Kind.PARAMETER_RENAMED,
    "name": Kind.RENAMED,
    "title": Kind.RENAMED,
    "type": Kind.TYPE_CHANGED,
    "values": Kind.ENUMERATION_CHANGED,
    "null": Kind.NULLABILITY_CHANGED,
    "format": Kind.FORMAT_CHANGED,
    "discriminator": Kind.DISCRIMINATOR_CHANGED,
    "value": Kind.DISCRIMINATOR_CHANGED,
    "security scheme": Kind.SECURITY_SCHEME_CHANGED,
    "settings": Kind.SERVER_REMOVED,
    "target": Kind.LINK_REMOVED,
    "deprecated": Kind.DEPRECATED,
}
"""The kind of change when a fact differs, by its name up to " of ". Bounds, defaults and security have several."""

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
BOUNDS = (*LOWER, *UPPER, "uniqueItems", "pattern", "multipleOf")
SAYS_NOTHING = {"minLength": 0, "minItems": 0, "minProperties": 0, "uniqueItems": False, "deprecated": False}
"""Facts that hold as well where they are not written."""


@dataclass(frozen=True)
class Change:
    """One difference between two contracts. place: where it is. text: what changed, without its place."""

    kind: Kind
    place: str
    text: str
    verdict: Verdict

    @property
    def is_breaking(self) -> bool:
        """Whether it breaks clients, and so needs a new major version."""
        return self.verdict is Verdict.BREAKING
