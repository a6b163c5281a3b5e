"""Audit events of accounts."""

from ostiary.core.events import EventType
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_ROLES

USER_REGISTERED = EventType("user.registered", "A user registered, or an administrator created a user.")
USER_DELETED = EventType("user.deleted", "A user was deleted. The actor is the user or an administrator.")
USER_UPDATED = EventType(
    "user.updated",
    "The name or the email address of a user changed.",
    {
        "changed": {
            "type": "array",
            "maxItems": 64,
            "items": {"type": "string", "maxLength": 64},
            "description": "The fields that changed.",
        }
    },
)
USER_DISABLED = EventType("user.disabled", "A user was disabled. All their sessions ended.")
USER_ENABLED = EventType("user.enabled", "A disabled user was enabled.")
USER_ROLES_CHANGED = EventType(
    "user.roles_changed",
    "The roles of a user changed. Access tokens issued before are no longer valid.",
    {
        "added": {"type": "array", "maxItems": MAX_ROLES, "items": {"type": "string", "maxLength": MAX_ROLE_NAME}},
        "removed": {"type": "array", "maxItems": MAX_ROLES, "items": {"type": "string", "maxLength": MAX_ROLE_NAME}},
    },
)
