"""Shared queries on sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update

from ostiary.features.revocation.service import RevokingTransaction
from ostiary.features.sessions.models import SessionRow


def live(user_id: str, now: datetime) -> Select[Any]:
    """Return a query for the sessions of a user that have neither ended nor expired, the newest first."""
    return (
        select(SessionRow)
        .where(SessionRow.user_id == user_id, SessionRow.ended_at.is_(None), SessionRow.expires_at > now)
        .order_by(SessionRow.id.desc())
    )


async def end(tx: RevokingTransaction, now: datetime, reason: str, *criteria: ColumnElement[bool]) -> list[str]:
    """End the live sessions that fit `criteria`, with all their tokens; return their ids."""
    statement = (
        update(SessionRow)
        .where(SessionRow.ended_at.is_(None), SessionRow.expires_at > now, *criteria)
        .values(ended_at=now, end_reason=reason)
        .returning(SessionRow.id)
        .execution_options(synchronize_session=False)
    )
    ended = sorted(await tx.session.scalars(statement))
    await tx.revoke_session(*ended)
    return ended


async def end_many(tx: RevokingTransaction, now: datetime, reason: str, *criteria: ColumnElement[bool]) -> int:
    """End the live sessions that fit `criteria` in two statements, however many there are; return their number."""
    live_ones = (SessionRow.ended_at.is_(None), SessionRow.expires_at > now, *criteria)
    await tx.revoke_sessions(select(SessionRow.id).where(*live_ones))
    statement = update(SessionRow).where(*live_ones).values(ended_at=now, end_reason=reason)
    result = await tx.session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]
