"""What the audit trail says of API keys."""

from api.features.audit.service import EventType

_KEY = {
    "api_key_id": {"type": "string", "format": "uuid", "description": "The API key."},
    "name": {"type": "string", "description": "What its owner calls it."},
}

API_KEY_CREATED = EventType(
    "api_key.created",
    "A user made an API key.",
    {**_KEY, "scopes": {"type": "array", "items": {"type": "string"}, "description": "What it may do."}},
)
API_KEY_REVOKED = EventType("api_key.revoked", "A user revoked an API key.", _KEY)
