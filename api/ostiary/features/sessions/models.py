"""Tables of sessions."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, Id, UtcDateTime

_HAS_ENDED = "ended_at IS NOT NULL"


class SessionRow(Base):
    """One login on one device, and the family of refresh tokens that descends from it.

    auth_time: when the user last authenticated. amr, acr: how (RFC 8176, separated by spaces) and how strongly; the
    defaults are for releases that do not know the columns. ended_at: set once, by whatever ends the session.
    last_seen_at: of the last use, written with some delay.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_ended", "ended_at", sqlite_where=text(_HAS_ENDED), postgresql_where=text(_HAS_ENDED)),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    auth_time: Mapped[datetime] = mapped_column(UtcDateTime)
    amr: Mapped[str] = mapped_column(Text, server_default="pwd")
    acr: Mapped[str] = mapped_column(String(16), server_default="aal1")
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str | None] = mapped_column(String(32))
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ip: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(Text)


class RefreshTokenRow(Base):
    """A refresh token, stored by its digest. Only the token itself can open `sealed_successor`."""

    __tablename__ = "refresh_tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(Id, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sealed_successor: Mapped[bytes | None] = mapped_column(LargeBinary)


class PendingLoginRow(Base):
    """A login that needs more evidence, by the digest of its token.

    stage: the name of the stage that it waits for. methods: what was proved so far (RFC 8176, separated by spaces).
    password_version: of the password that was checked; None: none was. attempts: answers to this stage so far.
    """

    __tablename__ = "pending_logins"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    stage: Mapped[str] = mapped_column(String(32))
    methods: Mapped[str] = mapped_column(Text)
    password_version: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    attempts: Mapped[int] = mapped_column(server_default="0")
