"""Audit events of service clients."""

from ostiary.core.events import EventType

_CLIENT = {
    "client_id": {"type": "string", "maxLength": 64, "description": "The service client."},
    "name": {"type": "string", "maxLength": 100, "description": "The name."},
    "may_revoke": {
        "type": "boolean",
        "description": "Whether the client can revoke tokens in addition to introspecting them.",
        "example": False,
    },
}

CLIENT_CREATED = EventType("client.created", "A service client was created. It can introspect tokens.", _CLIENT)
CLIENT_REMOVED = EventType("client.removed", "A service client was removed. Its secret is no longer valid.", _CLIENT)
