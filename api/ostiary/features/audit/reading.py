"""Reading the audit trail, page by page, the newest events first."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from ostiary.core.events import Outcome
from ostiary.core.pages import Page, Position
from ostiary.features.audit.models import AuditEventRow
from ostiary.persistence.database import Database


@dataclass(frozen=True)
class Event:
    """An event. user_id: the user that it is about. actor_id: the user who acted."""

    id: str
    occurred_at: datetime
    type: str
    outcome: str
    user_id: str | None
    actor_id: str | None
    ip: str
    user_agent: str
    request_id: str
    details: dict[str, Any]


@dataclass(frozen=True)
class EventFilter:
    """A filter for events. An event must match all values that are not None. since is inclusive, until is exclusive."""

    type: str | None = None
    user_id: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """Return the criteria of the filter."""
        found = [
            column == value
            for column, value in (
                (AuditEventRow.type, self.type),
                (AuditEventRow.user_id, self.user_id),
                (AuditEventRow.outcome, self.outcome),
            )
            if value is not None
        ]
        if self.since is not None:
            found.append(AuditEventRow.occurred_at >= self.since)
        if self.until is not None:
            found.append(AuditEventRow.occurred_at < self.until)
        return found


class AuditTrail:
    """Reads the audit trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: EventFilter, limit: int, after: Position | None) -> Page[Event]:
        """Return at most `limit` events, newest first, starting after the position `after`.

        New events do not shift the pages: they come before the first page. Raises the problem `database_unavailable`.
        """
        query = select(AuditEventRow).where(*wanted.criteria()).order_by(AuditEventRow.seq.desc()).limit(limit + 1)
        if after is not None:
            query = query.where(AuditEventRow.seq < after[0])
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        events = [
            Event(
                row.id,
                row.occurred_at,
                row.type,
                row.outcome,
                row.user_id,
                row.actor_id,
                row.ip,
                row.user_agent,
                row.request_id,
                json.loads(row.details),
            )
            for row in rows[:limit]
        ]
        return Page(events, (rows[limit - 1].seq,) if len(rows) > limit else None)
