"""Audit events of the database's history."""

from ostiary.core.events import EventType
from ostiary.features.revocation.identity import REASONS

DATABASE_WENT_BACK = EventType(
    "database.went_back",
    (
        "The database went back to an earlier state: a backup was restored, or a standby without the "
        "latest changes took over. All access tokens issued before are refused. Sessions continue with "
        "POST /refresh."
    ),
    {
        "sign": {
            "type": "string",
            "enum": sorted(REASONS),
            "description": "How the server recognised it. See docs/backup.md.",
        },
        "position": {
            "type": "integer",
            "description": "The position in the revocation feed before which issued tokens are no longer valid.",
            "example": 1_000_042,
        },
    },
)
