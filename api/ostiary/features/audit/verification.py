"""Verification of the audit trail. It needs the secret key. Without the key, nobody can alter the trail unnoticed."""

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import select

from ostiary.features.audit.models import AuditEventRow
from ostiary.features.audit.service import BEGINNING, Audit
from ostiary.persistence.database import Database

AT_ONCE = 1000
"""Number of events in memory at a time."""

ALTERED = "it was altered, or created without the secret key"
UNLINKED = "it does not follow the event before it: some were removed, added or put in another order"

_LINKED = [column.name for column in AuditEventRow.__table__.columns if column.name not in ("seq", "hash")]


@dataclass(frozen=True)
class Misfit:
    """The first event that does not fit, and why."""

    seq: int
    id: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The number of valid events, the hash of the last one, and the first event that is not valid.

    anchored: whether the event with the expected hash is among them; true if none was expected.
    """

    events: int
    head: str
    misfit: Misfit | None
    anchored: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.misfit is None and self.anchored


async def verify(database: Database, audit: Audit, expected: str | None = None) -> Verdict:
    """Verify the trail from its beginning and return the result.

    expected: the head from an earlier verification. Only this detects that the end of the trail was cut off, because
    the rest is still valid. Raises the problem `database_unavailable`.
    """
    count, head, anchored = 0, BEGINNING, expected in (None, BEGINNING)
    async for row in _events(database):
        reason = _misfit(audit, row, head)
        if reason is not None:
            return Verdict(count, head, Misfit(row.seq, row.id, reason), anchored)
        count, head = count + 1, row.hash
        anchored = anchored or head == expected
    return Verdict(count, head, None, anchored)


def _misfit(audit: Audit, row: AuditEventRow, head: str) -> str | None:
    computed = audit.hash_of({name: getattr(row, name) for name in _LINKED})
    if not hmac.compare_digest(computed, row.hash):
        return ALTERED
    return None if row.previous_hash == head else UNLINKED


async def _events(database: Database) -> AsyncIterator[AuditEventRow]:
    last = -(2**63)
    while True:
        query = select(AuditEventRow).where(AuditEventRow.seq > last).order_by(AuditEventRow.seq).limit(AT_ONCE)
        async with database.read() as session:
            rows = (await session.scalars(query)).all()
        for row in rows:
            yield row
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].seq
