"""Refresh tokens: each can be used once, and a second use ends the session."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.clock import Clock
from ostiary.core.randomness import Randomness
from ostiary.core.sealing import Sealer, digest
from ostiary.features.accounts.service import AuthorizationSnapshot, snapshot_columns
from ostiary.features.sessions.models import RefreshTokenRow, SessionRow
from ostiary.persistence.base import table_of
from ostiary.persistence.transaction import Transaction

# Created once: building a statement costs SQLAlchemy more than running it.
_TOKENS = table_of(RefreshTokenRow)
_ADD = insert(_TOKENS)
_CLAIM = (
    update(_TOKENS)
    .where(_TOKENS.c.digest == bindparam("claimed"), _TOKENS.c.used_at.is_(None))
    .values(used_at=bindparam("now"), sealed_successor=bindparam("sealed"))
    .returning(_TOKENS.c.digest)
)
_STATE = (
    select(RefreshTokenRow, SessionRow)
    .join(SessionRow, SessionRow.id == RefreshTokenRow.session_id)
    .where(RefreshTokenRow.digest == bindparam("digest"))
)
_LOOK_UP = (
    _STATE.add_columns(*snapshot_columns(SessionRow.user_id))
    # On PostgreSQL the session is locked until the successor is written: its deletion waits, or is visible here.
    .with_for_update(read=True, key_share=True, of=SessionRow)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Successor:
    """A valid refresh token, its session, and the permissions of the session's user."""

    session: SessionRow
    snapshot: AuthorizationSnapshot
    refresh_token: str
    expires_at: datetime


@dataclass(frozen=True)
class RefreshTokenState:
    """The state of a refresh token. `is_active`: it is unused, and its session has not ended."""

    session_id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    is_active: bool


@dataclass(frozen=True)
class Reused:
    """The token was used again after its successor was used: its session must end."""

    session: SessionRow


@dataclass(frozen=True)
class _Found:
    token: RefreshTokenRow
    session: SessionRow
    snapshot: AuthorizationSnapshot

    @classmethod
    def of_row(cls, row: Row[Any]) -> "_Found":
        return cls(row.RefreshTokenRow, row.SessionRow, AuthorizationSnapshot.of_row(row))


class Rotation:
    """Issues and exchanges refresh tokens.

    idle: seconds after which an unused one ends. grace: seconds after its use within which a token sent again gets the
    same successor, as after a lost answer or from two tabs of one browser.
    """

    def __init__(self, clock: Clock, randomness: Randomness, *, idle: int, grace: int) -> None:
        self._clock = clock
        self._randomness = randomness
        self._idle = idle
        self._grace = grace

    async def issue(
        self, tx: Transaction, owner: SessionRow, snapshot: AuthorizationSnapshot, now: datetime
    ) -> Successor:
        """Add a refresh token to a session and return it, in one statement."""
        return await self._add(tx, owner, snapshot, self._randomness.token(), now)

    async def state(self, session: AsyncSession, refresh_token: str) -> RefreshTokenState | None:
        """Return the state of a refresh token, without changing it; None if it is unknown or has expired.

        Expired tokens are deleted later. Until then they count as unknown, too.
        """
        now = self._clock.now()
        found = (await session.execute(_STATE, {"digest": digest(refresh_token)})).one_or_none()
        if found is None or now >= found.RefreshTokenRow.expires_at:
            return None
        token: RefreshTokenRow = found.RefreshTokenRow
        owner: SessionRow = found.SessionRow
        is_active = token.used_at is None and owner.ended_at is None and now < owner.expires_at
        return RefreshTokenState(owner.id, owner.user_id, token.created_at, token.expires_at, is_active)

    async def rotate(self, tx: Transaction, refresh_token: str) -> Successor | Reused | None:
        """Return the successor, or None when the token is not valid.

        One compare-and-swap decides which of several requests creates the successor; it takes three statements.
        """
        now = self._clock.now()
        token_digest = digest(refresh_token)
        found = await self._look_up(tx, token_digest)
        if found is None:
            return None
        token, owner = found.token, found.session
        if owner.ended_at is not None or now >= owner.expires_at or now >= token.expires_at:
            return None
        if token.used_at is None:
            successor = self._randomness.token()
            sealed = self._sealer(refresh_token).seal(successor.encode(), token_digest)
            claim = {"claimed": token_digest, "now": now, "sealed": sealed}
            if await tx.session.scalar(_CLAIM, claim) is not None:
                return await self._add(tx, owner, found.snapshot, successor, now)
            found = await self._look_up(tx, token_digest)
            if found is None:
                return None
        return await self._replayed(tx, found, refresh_token, now)

    async def _replayed(self, tx: Transaction, found: _Found, refresh_token: str, now: datetime) -> Successor | Reused:
        token = found.token
        if token.used_at is None or token.sealed_successor is None:
            raise RuntimeError("a used refresh token lacks its successor")
        if now > token.used_at + timedelta(seconds=self._grace):
            return Reused(found.session)
        successor = self._sealer(refresh_token).unseal(token.sealed_successor, token.digest).decode()
        row = await tx.session.get_one(RefreshTokenRow, digest(successor))
        return Successor(found.session, found.snapshot, successor, row.expires_at)

    @staticmethod
    async def _look_up(tx: Transaction, token_digest: str) -> _Found | None:
        row = (await tx.session.execute(_LOOK_UP, {"digest": token_digest})).one_or_none()
        return None if row is None else _Found.of_row(row)

    async def _add(
        self, tx: Transaction, owner: SessionRow, snapshot: AuthorizationSnapshot, token: str, now: datetime
    ) -> Successor:
        expires_at = min(now + timedelta(seconds=self._idle), owner.expires_at)
        row = {"digest": digest(token), "session_id": owner.id, "created_at": now, "expires_at": expires_at}
        await tx.session.execute(_ADD, row)
        return Successor(owner, snapshot, token, expires_at)

    def _sealer(self, refresh_token: str) -> Sealer:
        return Sealer(refresh_token, "refresh token successor", self._randomness)
