"""The audit trail: who did what to whom, from where, with which outcome; each event linked to the one before."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, ScalarSelect, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.clock import Clock
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import RequestInfo
from ostiary.core.sealing import derive
from ostiary.features.audit.models import AuditEventRow
from ostiary.persistence.base import table_of
from ostiary.persistence.database import Database

EVENT_TYPES: dict[str, "EventType"] = {}
"""Every declared type of event by its name."""
BEGINNING = "0" * 64
"""What the first event is linked to."""
NO_USER = ""
"""The `actor_id` of what concerns a user and was done by no user."""

Outcome = Literal["success", "failure"]

_LAST = select(AuditEventRow.hash).order_by(AuditEventRow.seq.desc()).limit(1)
_ADD = insert(table_of(AuditEventRow))


def last_event() -> ScalarSelect[int]:
    """Return the number of the last event as a column."""
    return select(func.max(AuditEventRow.seq)).scalar_subquery()


def hash_of_event(seq: ColumnElement[int]) -> ScalarSelect[str]:
    """Return the hash of the event of that number as a column: no other history has it."""
    return select(AuditEventRow.hash).where(AuditEventRow.seq == seq).scalar_subquery()


@dataclass(frozen=True)
class EventType:
    """One kind of event, declared beside the feature that records it. `name` is public API.

    details: the members of `details` as JSON Schema properties, all of them required.
    """

    name: str
    description: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Enter the catalogue; two types may not share a name."""
        if EVENT_TYPES.setdefault(self.name, self) != self:
            raise ValueError(f"the event type {self.name!r} is declared twice")


class Audit:
    """Writes the trail. The hashes are HMACs under a key derived from the secret: who can write to the database alone
    cannot make a chain that fits.
    """

    def __init__(self, database: Database, secret_key: str, clock: Clock, randomness: Randomness) -> None:
        self._database = database
        self._key = derive(secret_key, "audit trail")
        self._clock = clock
        self._randomness = randomness

    def record(
        self,
        session: AsyncSession,
        kind: EventType,
        info: RequestInfo,
        *,
        user_id: str | None,
        actor_id: str | None = None,
        outcome: Outcome = "success",
        **details: Any,
    ) -> None:
        """Add an event to the transaction of `session`, which `Database.write` has begun; it is written as its last.

        user_id: whom it concerns. actor_id: who did it; None: the user; NO_USER: nobody who is a user. Raises
        TypeError when the details are not exactly those that the type declares.
        """
        if details.keys() != kind.details.keys():
            raise TypeError(f"{kind.name} takes the details {sorted(kind.details)}, not {sorted(details)}")
        event = {
            "id": self._randomness.new_id(),
            "occurred_at": self._clock.now(),
            "type": kind.name,
            "outcome": outcome,
            "user_id": user_id,
            "actor_id": user_id if actor_id is None else actor_id or None,
            "ip": info.ip,
            "user_agent": info.user_agent,
            "request_id": info.request_id,
            "details": json.dumps(details, sort_keys=True, ensure_ascii=False),
        }
        # Each has to wait for the one before to be committed, so this comes when all else is done.
        self._database.before_commit(session, lambda session: self._append(session, event))

    async def _append(self, session: AsyncSession, event: Mapping[str, Any]) -> None:
        await self._database.lock_audit_chain(session)
        linked = {**event, "previous_hash": await session.scalar(_LAST) or BEGINNING}
        await session.execute(_ADD, {**linked, "hash": self.hash_of(linked)})

    def hash_of(self, event: Mapping[str, Any]) -> str:
        """Return the HMAC-SHA256, in hexadecimal, of an event's members without its own hash (RFC 2104)."""
        members = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in event.items()}
        text = json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
