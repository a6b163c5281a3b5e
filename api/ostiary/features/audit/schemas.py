"""Shapes of audit events, in and out."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from ostiary.core.events import EVENT_TYPES
from ostiary.core.ids import is_id
from ostiary.core.problems import MAX_REQUEST_ID
from ostiary.web.pages import MOST, PageAnswer, PageQuery
from ostiary.web.schemas import MAX_IP, MAX_USER_AGENT, Answer, UtcMoment

_ID = "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44"
_MOMENT = "2026-11-23T12:00:00+00:00"


class _EventType(validate.Validator):
    """Refuses a type that nothing declares; the contract lists those that there are, see `list_types`."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if value not in EVENT_TYPES:
            raise ValidationError("There is no such type of event.")
        return value


class _Uuid(validate.Validator):
    """Refuses what is no UUID."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_id(value.lower()):
            raise ValidationError("Not a valid UUID.")
        return value


class AuditQuery(PageQuery):
    """Which events."""

    type = fields.String(
        validate=_EventType(),
        metadata={"description": "Only events of this type.", "example": "session.started"},
    )
    user_id = fields.String(
        validate=_Uuid(),
        metadata={"description": "Only events that concern this user.", "format": "uuid", "example": _ID},
    )
    outcome = fields.String(
        validate=validate.OneOf(["success", "failure"]),
        metadata={"description": "Only events with this outcome.", "example": "failure"},
    )
    since = UtcMoment(
        metadata={"description": "Only events from this moment on (RFC 3339).", "example": _MOMENT},
    )
    until = UtcMoment(
        metadata={"description": "Only events before this moment (RFC 3339).", "example": _MOMENT},
    )


class AuditEvent(Answer):
    """Something that has happened."""

    id = fields.String(required=True, metadata={"description": "Names the event.", "format": "uuid", "example": _ID})
    occurred_at = fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "When, in UTC.", "example": _MOMENT}
    )
    type = fields.String(required=True, metadata={"description": "What has happened.", "example": "session.started"})
    outcome = fields.String(
        required=True,
        validate=validate.OneOf(["success", "failure"]),
        metadata={"description": "Whether it succeeded or was refused.", "example": "success"},
    )
    user_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Whom it concerns; null if no user is known.", "format": "uuid", "example": _ID},
    )
    actor_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Who did it; null if nobody is known.", "format": "uuid", "example": _ID},
    )
    ip = fields.String(
        validate=validate.Length(max=MAX_IP),
        required=True,
        metadata={"description": "The address that it came from; empty on the server.", "example": "192.0.2.1"},
    )
    user_agent = fields.String(
        validate=validate.Length(max=MAX_USER_AGENT),
        required=True,
        metadata={"description": "The User-Agent of the request.", "example": "curl/8.11"},
    )
    request_id = fields.String(
        validate=validate.Length(max=MAX_REQUEST_ID),
        required=True,
        metadata={"description": "Names the request, also in the server's log.", "example": _ID},
    )
    details = fields.Dict(
        required=True,
        metadata={"description": "More about it, by the type.", "example": {"session_id": _ID}},
    )


class AuditEventPage(PageAnswer):
    """A page of events, the newest first."""

    events = fields.List(
        fields.Nested(AuditEvent),
        required=True,
        validate=validate.Length(max=MOST),
        metadata={"description": "The events."},
    )


def list_types(document: dict[str, Any]) -> None:
    """Write into the contract which types of events there are, once every feature has declared its own."""
    types = sorted(EVENT_TYPES.values(), key=lambda kind: kind.name)
    schema = document["components"]["schemas"]["AuditEvent"]["properties"]
    names = [kind.name for kind in types]
    schema["type"]["enum"] = names
    schema["type"]["description"] = "\n".join(
        ["What has happened:", "", *(f"- `{kind.name}`: {kind.description}" for kind in types)]
    )
    details = schema["details"]
    details.pop("additionalProperties", None)
    details["properties"] = _details()
    for parameter in document["paths"]["/audit-events"]["get"]["parameters"]:
        if parameter["name"] == "type":
            parameter["schema"]["enum"] = names


def _details() -> dict[str, Any]:
    """Return the schema of each member that the details of some type have."""
    members: dict[str, dict[str, Any]] = {}
    for kind in sorted(EVENT_TYPES.values(), key=lambda kind: kind.name):
        for name, schema in kind.details.items():
            found = members.setdefault(name, {**schema, "with": []})
            found["with"].append(f"`{kind.name}`")
            if "enum" in schema:
                found["enum"] = sorted({*found["enum"], *schema["enum"]})
    for found in members.values():
        told = f"Of {', '.join(found.pop('with'))}."
        found["description"] = f"{found['description']} {told}" if "description" in found else told
        if found["type"] == "string":
            found.setdefault("example", found["enum"][0] if "enum" in found else _ID)
    return members
