"""What the audit trail says of service clients."""

from ostiary.core.events import EventType

_CLIENT = {
    "client_id": {"type": "string", "maxLength": 64, "description": "The service client."},
    "name": {"type": "string", "maxLength": 100, "description": "What its owner calls it."},
    "may_revoke": {
        "type": "boolean",
        "description": "Whether it may revoke tokens, not only ask about them.",
        "example": False,
    },
}

CLIENT_CREATED = EventType("client.created", "A service client was made, which may introspect tokens.", _CLIENT)
CLIENT_REMOVED = EventType("client.removed", "A service client was removed; its secret no longer counts.", _CLIENT)
