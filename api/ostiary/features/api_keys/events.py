"""Audit events of API keys."""

from ostiary.core.events import EventType
from ostiary.core.scopes import MAX_SCOPE_NAME, MAX_SCOPES

_KEY = {
    "api_key_id": {"type": "string", "format": "uuid", "description": "The API key."},
    "name": {"type": "string", "maxLength": 100, "description": "The name."},
}

API_KEY_CREATED = EventType(
    "api_key.created",
    "A user created an API key.",
    {
        **_KEY,
        "scopes": {
            "type": "array",
            "maxItems": MAX_SCOPES,
            "items": {"type": "string", "maxLength": MAX_SCOPE_NAME},
            "description": "The scopes of the API key.",
        },
    },
)
API_KEY_REVOKED = EventType("api_key.revoked", "A user revoked an API key.", _KEY)
