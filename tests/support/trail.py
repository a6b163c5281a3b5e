"""The audit trail of an application under test."""

import json
from typing import Any

from sqlalchemy import select

from ostiary.features.audit import verification
from ostiary.features.audit.models import AuditEventRow
from ostiary.features.audit.service import Audit
from tests.conftest import App


def events(app: App, *subjects: str) -> list[AuditEventRow]:
    """The events whose types begin with one of `subjects` and a dot, the oldest first; the chain must fit together."""
    services = app.services
    verdict = app.run(verification.verify, services.database, services.get(Audit))
    assert verdict.is_whole, verdict

    async def read() -> list[AuditEventRow]:
        async with services.database.read() as session:
            return list(await session.scalars(select(AuditEventRow).order_by(AuditEventRow.seq)))

    return [event for event in app.run(read) if event.type.split(".")[0] in subjects]


def told(app: App, *subjects: str) -> list[tuple[str, dict[str, Any]]]:
    """The types and details of the same events."""
    return [(event.type, json.loads(event.details)) for event in events(app, *subjects)]


def done_by(event: AuditEventRow) -> tuple[str | None, str | None, str, str, str]:
    """Whom an event concerns, who did it, from where and with which request."""
    return event.user_id, event.actor_id, event.ip, event.user_agent, event.request_id
