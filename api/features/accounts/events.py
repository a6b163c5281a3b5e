"""What the audit trail says of accounts."""

from api.features.audit.service import EventType

USER_REGISTERED = EventType("user.registered", "A user was registered, by themselves or by an administrator.")
USER_DELETED = EventType("user.deleted", "A user was deleted, by themselves or by an administrator.")
