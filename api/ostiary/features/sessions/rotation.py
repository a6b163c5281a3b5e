"""Refresh tokens: each is good for one use, and its second use ends the session."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.clock import Clock
from ostiary.core.randomness import Randomness
from ostiary.core.sealing import Sealer, digest
from ostiary.features.accounts.service import AuthorizationSnapshot, snapshot_columns
from ostiary.features.roles.service import Grants
from ostiary.features.sessions.models import RefreshTokenRow, SessionRow
from ostiary.persistence.base import table_of

# Made once: making a statement costs SQLAlchemy more than running it.
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
    # On PostgreSQL the session stays until the successor is written: its deletion waits, or is seen here.
    .with_for_update(read=True, key_share=True, of=SessionRow)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Successor:
    """A refresh token that is good now, the session it belongs to, and what that session's user may do."""

    session: SessionRow
    snapshot: AuthorizationSnapshot
    refresh_token: str
    expires_at: datetime


@dataclass(frozen=True)
class RefreshTokenState:
    """What is known of a refresh token. `is_active`: whether it is unused, and its session goes on."""

    session_id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    is_active: bool


@dataclass(frozen=True)
class Reused:
    """The token was used before its successor was, and again: its session must end."""

    session: SessionRow


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
        self, session: AsyncSession, owner: SessionRow, snapshot: AuthorizationSnapshot, now: datetime
    ) -> Successor:
        """Add a refresh token to a session and return it, in one statement."""
        return await self._add(session, owner, snapshot, self._randomness.token(), now)

    async def state(self, session: AsyncSession, refresh_token: str) -> RefreshTokenState | None:
        """Return what is known of a refresh token, which stays as it is; None if it is none of ours, or has expired.

        An expired one is deleted some time; until then, too, it is as if it had never been.
        """
        now = self._clock.now()
        found = (await session.execute(_STATE, {"digest": digest(refresh_token)})).one_or_none()
        if found is None or now >= found[0].expires_at:
            return None
        token, owner = found[0], found[1]
        is_active = token.used_at is None and owner.ended_at is None and now < owner.expires_at
        return RefreshTokenState(owner.id, owner.user_id, token.created_at, token.expires_at, is_active)

    async def rotate(self, session: AsyncSession, refresh_token: str) -> Successor | Reused | None:
        """Return the successor, or None when the token buys nothing; in a transaction that must be committed.

        One compare-and-swap decides who of several makes the successor; it takes three statements.
        """
        now = self._clock.now()
        token_digest = digest(refresh_token)
        found = await self._look_up(session, token_digest)
        if found is None:
            return None
        token, owner, snapshot = found
        if owner.ended_at is not None or now >= owner.expires_at or now >= token.expires_at:
            return None
        if token.used_at is None:
            successor = self._randomness.token()
            sealed = self._sealer(refresh_token).seal(successor.encode(), token_digest)
            claim = {"claimed": token_digest, "now": now, "sealed": sealed}
            if await session.scalar(_CLAIM, claim) is not None:
                return await self._add(session, owner, snapshot, successor, now)
            found = await self._look_up(session, token_digest)
            if found is None:
                return None
            token, owner, snapshot = found
        return await self._replayed(session, token, owner, snapshot, refresh_token, now)

    async def _replayed(
        self,
        session: AsyncSession,
        token: RefreshTokenRow,
        owner: SessionRow,
        snapshot: AuthorizationSnapshot,
        refresh_token: str,
        now: datetime,
    ) -> Successor | Reused:
        if token.used_at is None or token.sealed_successor is None:
            raise RuntimeError("a used refresh token lacks its successor")
        if now > token.used_at + timedelta(seconds=self._grace):
            return Reused(owner)
        successor = self._sealer(refresh_token).unseal(token.sealed_successor, token.digest).decode()
        row = await session.get_one(RefreshTokenRow, digest(successor))
        return Successor(owner, snapshot, successor, row.expires_at)

    @staticmethod
    async def _look_up(
        session: AsyncSession, token_digest: str
    ) -> tuple[RefreshTokenRow, SessionRow, AuthorizationSnapshot] | None:
        row = (await session.execute(_LOOK_UP, {"digest": token_digest})).one_or_none()
        return None if row is None else (row[0], row[1], AuthorizationSnapshot(Grants.of(row[2], row[3]), row[4]))

    async def _add(
        self, session: AsyncSession, owner: SessionRow, snapshot: AuthorizationSnapshot, token: str, now: datetime
    ) -> Successor:
        expires_at = min(now + timedelta(seconds=self._idle), owner.expires_at)
        row = {"digest": digest(token), "session_id": owner.id, "created_at": now, "expires_at": expires_at}
        await session.execute(_ADD, row)
        return Successor(owner, snapshot, token, expires_at)

    def _sealer(self, refresh_token: str) -> Sealer:
        return Sealer(refresh_token, "refresh token successor", self._randomness)
