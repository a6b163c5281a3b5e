"""What the audit trail says of signing keys.

That a former key is no longer published, once its last token has expired, is no event: the clock does that, and no
token that counted is refused by it.
"""

from ostiary.core.events import EventType

_KID = {"kid": {"type": "string", "format": "uuid", "description": "The signing key."}}

SIGNING_KEY_ADDED = EventType(
    "signing_key.added",
    "A signing key was added, by an operator or, where there was none, by the server itself.",
    {
        **_KID,
        "signs_from": {
            "type": "string",
            "format": "date-time",
            "description": "From when on it signs, in UTC.",
            "example": "2026-11-23T12:05:10+00:00",
        },
    },
)
SIGNING_KEY_RETIRED = EventType(
    "signing_key.retired",
    "An operator removed a signing key before its time; what it had signed no longer counts.",
    _KID,
)
