"""What the audit trail says of sessions."""

from ostiary.core.events import EventType

MAX_ENDED = 100_000
"""Sessions that end together."""
_SESSION_ID = {"session_id": {"type": "string", "format": "uuid", "description": "The session."}}

LOGGED_IN = EventType("session.started", "A user logged in.", _SESSION_ID)
LOG_IN_FAILED = EventType(
    "session.refused",
    "Somebody tried to log in with a wrong password, an unknown name (no user is named then) or to a disabled account.",
    {"reason": {"type": "string", "enum": ["wrong_password", "unknown_user", "account_disabled"]}},
)
SESSIONS_ENDED = EventType(
    "session.ended",
    "Sessions ended, with all their tokens.",
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
    "An operator ended all sessions, or those that began at a time or later.",
    {
        "sessions": {"type": "integer", "description": "How many sessions ended.", "example": 42},
        "since": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "The time, in UTC; null for all sessions.",
            "example": "2026-11-23T12:00:00+00:00",
        },
    },
)
TOKEN_REVOKED = EventType(
    "token.revoked",
    "A service client revoked a token of a user, and with it the session: `session.ended` tells that, too.",
    {**_SESSION_ID, "client_id": {"type": "string", "maxLength": 64, "description": "The service client."}},
)
REFRESH_TOKEN_REUSED = EventType(
    "session.refresh_token_reused",
    "A refresh token was used again after its successor: somebody holds a copy, so the session was ended.",
    _SESSION_ID,
)
PASSWORD_CHANGED = EventType("password.changed", "A user changed their password; their other sessions ended.")
PASSWORD_REFUSED = EventType(
    "password.refused", "Somebody with a session of the user gave a wrong password where the present one was asked for."
)
REAUTHENTICATED = EventType("session.reauthenticated", "A user proved again who they are.", _SESSION_ID)
