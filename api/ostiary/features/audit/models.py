"""The table of audit events."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, BigId, Id, UtcDateTime


class AuditEventRow(Base):
    """An event, linked to the event before it. Rows are never changed or deleted.

    user_id: the user that the event is about. actor_id: the user who caused it. Neither is a foreign key, since events
    outlive users.
    details: JSON. hash: an HMAC over all of this and the predecessor's hash.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "user_id", "seq"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(Id, unique=True)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    type: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str | None] = mapped_column(Id)
    actor_id: Mapped[str | None] = mapped_column(Id)
    ip: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Id)
    details: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64))
