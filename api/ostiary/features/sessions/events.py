"""Audit events of sessions."""

from ostiary.core.events import EventType

MAX_ENDED = 100_000
"""Maximum number of sessions in one event."""
_SESSION_ID = {"session_id": {"type": "string", "format": "uuid", "description": "The session."}}

LOGGED_IN = EventType("session.started", "A user logged in.", _SESSION_ID)
LOG_IN_FAILED = EventType(
    "session.refused",
    (
        "A login failed: the password was wrong, the name was unknown (the event then has no user), or "
        "the account was disabled."
    ),
    {"reason": {"type": "string", "enum": ["wrong_password", "unknown_user", "account_disabled"]}},
)
SESSIONS_ENDED = EventType(
    "session.ended",
    "Sessions ended, and all their tokens with them.",
    {
        "session_ids": {"type": "array", "maxItems": MAX_ENDED, "items": {"type": "string", "format": "uuid"}},
        "reason": {
            "type": "string",
            "enum": [
                "logout",
                "revoked",
                "ended_by_user",
                "ended_by_administrator",
                "password_change",
                "account_disabled",
            ],
        },
    },
)
SESSIONS_ENDED_BY_OPERATOR = EventType(
    "session.ended_by_operator",
    "An operator ended all sessions, or those that began at or after a given time.",
    {
        "sessions": {"type": "integer", "description": "The number of sessions that ended.", "example": 42},
        "since": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "The given time, in UTC; null for all sessions.",
            "example": "2026-11-23T12:00:00+00:00",
        },
    },
)
TOKEN_REVOKED = EventType(
    "token.revoked",
    (
        "A service client revoked a token of a user, which also ended the session. The end has its own "
        "event, `session.ended`."
    ),
    {**_SESSION_ID, "client_id": {"type": "string", "maxLength": 64, "description": "The service client."}},
)
REFRESH_TOKEN_REUSED = EventType(
    "session.refresh_token_reused",
    "A used refresh token was sent again. Somebody may have a copy of it, so the session ended.",
    _SESSION_ID,
)
PASSWORD_CHANGED = EventType("password.changed", "A user changed their password. Their other sessions ended.")
PASSWORD_REFUSED = EventType("password.refused", "A request with a session of the user sent a wrong current password.")
REAUTHENTICATED = EventType("session.reauthenticated", "A user authenticated again within a session.", _SESSION_ID)
