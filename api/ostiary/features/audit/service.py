"""The audit trail: events with actor, user, origin and outcome, each linked to the event before it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, insert, select

from ostiary.core.clock import Clock
from ostiary.core.events import EventType, Outcome
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import RequestInfo
from ostiary.core.sealing import derive
from ostiary.features.audit.models import AuditEventRow
from ostiary.persistence.base import table_of
from ostiary.persistence.transaction import Transaction

BEGINNING = "0" * 64
"""The link of the first event."""

_LAST = select(AuditEventRow.hash).order_by(AuditEventRow.seq.desc()).limit(1)
_ADD = insert(table_of(AuditEventRow))


def last_event() -> ScalarSelect[int]:
    """Return the number of the last event as a column."""
    return select(func.max(AuditEventRow.seq)).scalar_subquery()


def hash_of_event(seq: ColumnElement[int]) -> ScalarSelect[str]:
    """Return the hash of the event with that number as a column. It is unique to this history."""
    return select(AuditEventRow.hash).where(AuditEventRow.seq == seq).scalar_subquery()


class Audit:
    """Writes the audit trail: the recorder of every transaction of a `Database`.

    The hashes are HMACs under a key derived from the secret: database write access without the secret is not enough to
    forge an event.
    """

    def __init__(self, secret_key: str, clock: Clock, randomness: Randomness) -> None:
        self._key = derive(secret_key, "audit trail")
        self._clock = clock
        self._randomness = randomness

    def record(
        self,
        tx: Transaction,
        kind: EventType,
        info: RequestInfo,
        *,
        user_id: str | None,
        actor_id: str | None = None,
        outcome: Outcome = "success",
        **details: Any,
    ) -> None:
        """Add an event to the transaction; see `Transaction.record`, which calls this."""
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
        # Each event waits for the commit of the event before it, so it is written last.
        tx.before_commit(partial(self._append, event))

    async def _append(self, event: Mapping[str, Any], tx: Transaction) -> None:
        await tx.lock_audit_chain()
        linked = {**event, "previous_hash": await tx.session.scalar(_LAST) or BEGINNING}
        await tx.session.execute(_ADD, {**linked, "hash": self.hash_of(linked)})

    def hash_of(self, event: Mapping[str, Any]) -> str:
        """Return the HMAC-SHA256, in hexadecimal, of an event's members without its own hash (RFC 2104)."""
        members = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in event.items()}
        text = json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
