"""Request and response schemas of audit events."""

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
    """Refuses event types that no feature declares. The contract lists the declared types, see `list_types`."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if value not in EVENT_TYPES:
            raise ValidationError("Not a known type of event.")
        return value


class _Uuid(validate.Validator):
    """Refuses values that are not UUIDs."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_id(value.lower()):
            raise ValidationError("Not a valid UUID.")
        return value


class AuditQuery(PageQuery):
    """Filters for events."""

    type = fields.String(
        validate=_EventType(),
        metadata={"description": "Only events of this type.", "example": "session.started"},
    )
    user_id = fields.String(
        validate=_Uuid(),
        metadata={"description": "Only events about this user.", "format": "uuid", "example": _ID},
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
    """An event of the audit trail."""

    id = fields.String(
        required=True, metadata={"description": "The id of the event.", "format": "uuid", "example": _ID}
    )
    occurred_at = fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "When the event happened, in UTC.", "example": _MOMENT}
    )
    type = fields.String(
        required=True, metadata={"description": "The type of the event.", "example": "session.started"}
    )
    outcome = fields.String(
        required=True,
        validate=validate.OneOf(["success", "failure"]),
        metadata={"description": "`success`, or `failure` for a refused attempt.", "example": "success"},
    )
    user_id = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The id of the user that the event is about; null if unknown.",
            "format": "uuid",
            "example": _ID,
        },
    )
    actor_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The id of the user who acted; null if unknown.", "format": "uuid", "example": _ID},
    )
    ip = fields.String(
        validate=validate.Length(max=MAX_IP),
        required=True,
        metadata={
            "description": "The network address of the request; empty for actions on the server.",
            "example": "192.0.2.1",
        },
    )
    user_agent = fields.String(
        validate=validate.Length(max=MAX_USER_AGENT),
        required=True,
        metadata={"description": "The User-Agent of the request.", "example": "curl/8.11"},
    )
    request_id = fields.String(
        validate=validate.Length(max=MAX_REQUEST_ID),
        required=True,
        metadata={"description": "The id of the request, also used in the server's log.", "example": _ID},
    )
    details = fields.Dict(
        required=True,
        metadata={"description": "Details, depending on the type.", "example": {"session_id": _ID}},
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
    """List the event types in the contract, once every feature has declared its own."""
    types = sorted(EVENT_TYPES.values(), key=lambda kind: kind.name)
    schema = document["components"]["schemas"]["AuditEvent"]["properties"]
    names = [kind.name for kind in types]
    schema["type"]["enum"] = names
    schema["type"]["description"] = "\n".join(
        ["The type of the event:", "", *(f"- `{kind.name}`: {kind.description}" for kind in types)]
    )
    details = schema["details"]
    details.pop("additionalProperties", None)
    details["properties"] = _details()
    for parameter in document["paths"]["/audit-events"]["get"]["parameters"]:
        if parameter["name"] == "type":
            parameter["schema"]["enum"] = names


def _details() -> dict[str, Any]:
    """Return the schemas of all members that the details of any type can have."""
    members: dict[str, dict[str, Any]] = {}
    for kind in sorted(EVENT_TYPES.values(), key=lambda kind: kind.name):
        for name, schema in kind.details.items():
            found = members.setdefault(name, {**schema, "with": []})
            found["with"].append(f"`{kind.name}`")
            if "enum" in schema:
                found["enum"] = sorted({*found["enum"], *schema["enum"]})
    for found in members.values():
        told = f"Present in {', '.join(found.pop('with'))}."
        found["description"] = f"{found['description']} {told}" if "description" in found else told
        if found["type"] == "string":
            found.setdefault("example", found["enum"][0] if "enum" in found else _ID)
    return members
