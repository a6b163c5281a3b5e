"""What the audit trail says of the database's history."""

from ostiary.core.events import EventType
from ostiary.features.revocation.identity import REASONS

DATABASE_WENT_BACK = EventType(
    "database.went_back",
    "The server found that its database is an earlier one: a backup was restored, or a standby took over that lacked "
    "changes. Every access token issued before is refused; sessions go on by refresh.",
    {
        "sign": {
            "type": "string",
            "enum": sorted(REASONS),
            "description": "What it was recognised by; docs/backup.md explains each.",
        },
        "position": {
            "type": "integer",
            "description": "The position of the revocation feed before which nothing counts any more.",
            "example": 1_000_042,
        },
    },
)
