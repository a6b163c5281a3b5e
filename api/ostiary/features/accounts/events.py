"""What the audit trail says of accounts."""

from ostiary.core.events import EventType
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_ROLES

USER_REGISTERED = EventType("user.registered", "A user was registered, by themselves or by an administrator.")
USER_DELETED = EventType("user.deleted", "A user was deleted, by themselves or by an administrator.")
USER_UPDATED = EventType(
    "user.updated",
    "A user got another name or email address.",
    {
        "changed": {
            "type": "array",
            "maxItems": 64,
            "items": {"type": "string", "maxLength": 64},
            "description": "The members that changed.",
        }
    },
)
USER_DISABLED = EventType("user.disabled", "A user was disabled; all their sessions ended.")
USER_ENABLED = EventType("user.enabled", "A disabled user was enabled again.")
USER_ROLES_CHANGED = EventType(
    "user.roles_changed",
    "A user got other roles; the access tokens issued before no longer count.",
    {
        "added": {"type": "array", "maxItems": MAX_ROLES, "items": {"type": "string", "maxLength": MAX_ROLE_NAME}},
        "removed": {"type": "array", "maxItems": MAX_ROLES, "items": {"type": "string", "maxLength": MAX_ROLE_NAME}},
    },
)
