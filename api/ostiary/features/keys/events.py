"""Audit events of signing keys.

There is no event for the end of a former key's publication. It happens by time, after the key's last token has expired,
so no valid token is affected.
"""

from ostiary.core.events import EventType

_KID = {"kid": {"type": "string", "format": "uuid", "description": "The signing key."}}

SIGNING_KEY_ADDED = EventType(
    "signing_key.added",
    "A signing key was added. An operator added it, or the server created the first one.",
    {
        **_KID,
        "signs_from": {
            "type": "string",
            "format": "date-time",
            "description": "When the key starts to sign, in UTC.",
            "example": "2026-11-23T12:05:10+00:00",
        },
    },
)
SIGNING_KEY_RETIRED = EventType(
    "signing_key.retired",
    "An operator retired a signing key early. Tokens that it signed are no longer valid.",
    _KID,
)
