"""What the audit trail says of sessions."""

from api.features.audit.service import EventType

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
        "session_ids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
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
TOKEN_REVOKED = EventType(
    "token.revoked",
    "A service client revoked a token of a user, and with it the session: `session.ended` tells that, too.",
    {**_SESSION_ID, "client_id": {"type": "string", "description": "The service client."}},
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
