"""Sessions: log in, refresh, log out, and who bears this access token?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.access_tokens import AccessTokens, InvalidAccessToken, UnknownKey
from api.core.client import Client
from api.core.clock import Clock
from api.core.principal import Principal
from api.core.problems import BEARER, INSUFFICIENT_USER_AUTHENTICATION, INVALID_TOKEN
from api.core.randomness import Randomness
from api.core.sealing import Sealer, digest
from api.features.accounts.service import Accounts
from api.features.keys.service import Keys
from api.features.sessions.models import RefreshTokenRow, SessionRow
from api.features.sessions.problems import INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN
from api.features.sessions.revocation import Revocation
from api.persistence.database import Database, lacks_parent

log = structlog.stdlib.get_logger(__name__)

PASSWORD_METHODS = ["pwd"]
"""The `amr` of a session begun with a password (RFC 8176)."""


@dataclass(frozen=True)
class Lifetimes:
    """Seconds: a refresh token not used for `refresh_idle` ends, a session ends `session` after its log-in.

    Within `refresh_grace` after its use, a refresh token sent again gets the same successor. A log-in counts as fresh
    for `freshness`.
    """

    refresh_idle: int
    session: int
    refresh_grace: int
    freshness: int


@dataclass(frozen=True)
class TokenPair:
    """An access token and a refresh token, with their lifetimes in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_token_expires_in: int
    session_id: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750


@dataclass(frozen=True)
class RefreshTokenState:
    """What the database knows of a refresh token. `is_active`: whether it still buys something."""

    session_id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    is_active: bool


@dataclass(frozen=True)
class _Refreshed:
    session: SessionRow
    refresh_token: str
    expires_at: datetime


class Sessions:
    """The use cases of sessions."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        keys: Keys,
        access_tokens: AccessTokens,
        revocation: Revocation,
        clock: Clock,
        randomness: Randomness,
        lifetimes: Lifetimes,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._keys = keys
        self._access_tokens = access_tokens
        self._revocation = revocation
        self._clock = clock
        self._randomness = randomness
        self._lifetimes = lifetimes

    async def log_in(self, username: str, password: str, client: Client) -> TokenPair:
        """Begin a session and return its tokens.

        Raises the problems `invalid_credentials`, `overloaded`, `database_unavailable`.
        """
        account = await self._accounts.verify(username, password)
        if account is None:
            raise INVALID_CREDENTIALS()
        now = self._clock.now()
        values = {
            "id": self._randomness.new_id(),
            "user_id": account.id,
            "created_at": now,
            "auth_time": now,
            "expires_at": now + timedelta(seconds=self._lifetimes.session),
            "ip": client.ip,
            "user_agent": client.user_agent,
        }
        row = SessionRow(**values)
        refresh_token = self._randomness.token()

        async def begin(session: AsyncSession) -> datetime:
            await session.execute(insert(SessionRow).values(values))
            return await self._add_refresh_token(session, row, refresh_token, now)

        try:
            expires_at = await self._database.write(begin)
        except IntegrityError as error:
            if not lacks_parent(error):
                raise
            raise INVALID_CREDENTIALS() from error  # the account was deleted while its password was checked
        return await self._pair(_Refreshed(row, refresh_token, expires_at), account.roles)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchange a refresh token for a new pair (RFC 9700 section 4.14.2).

        The token is used up by one compare-and-swap. Sent again within the grace time, as after a lost answer, it gets
        the same successor; later the session ends, since somebody holds a copy. Raises the problems
        `invalid_refresh_token` and `database_unavailable`.
        """
        refreshed = await self._database.write(lambda session: self._rotate(session, refresh_token))
        account = None if refreshed is None else await self._accounts.get(refreshed.session.user_id)
        if refreshed is None or account is None:
            raise INVALID_REFRESH_TOKEN()
        return await self._pair(refreshed, account.roles)

    async def log_out(self, caller: Principal) -> None:
        """End the caller's session, and with it every token of it; raises the problem `database_unavailable`."""
        await self._database.write(lambda session: self._end(session, caller.session_id, "logout"))

    async def look_up_refresh_token(self, refresh_token: str) -> RefreshTokenState | None:
        """Return what is known of a refresh token, which stays as it is; None if it never was one of ours.

        Raises the problem `database_unavailable`.
        """
        now = self._clock.now()
        query = (
            select(RefreshTokenRow, SessionRow)
            .join(SessionRow, SessionRow.id == RefreshTokenRow.session_id)
            .where(RefreshTokenRow.digest == digest(refresh_token))
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).one_or_none()
        if found is None:
            return None
        token, owner = found[0], found[1]
        is_active = token.used_at is None and owner.ended_at is None and now < min(token.expires_at, owner.expires_at)
        return RefreshTokenState(owner.id, owner.user_id, token.created_at, token.expires_at, is_active)

    async def end(self, session_id: str, reason: str) -> None:
        """End a session, and with it every token of it; raises the problem `database_unavailable`."""
        await self._database.write(lambda session: self._end(session, session_id, reason))

    async def authenticate(self, token: str) -> Principal:
        """Return whom an access token stands for; raises the problems `invalid_token` and `database_unavailable`."""
        try:
            try:
                caller = self._access_tokens.verify(token, await self._keys.ring())
            except UnknownKey:
                caller = self._access_tokens.verify(token, await self._keys.reloaded_ring())
        except InvalidAccessToken as error:
            raise INVALID_TOKEN() from error
        if not await self._revocation.is_live(caller.session_id):
            raise INVALID_TOKEN()
        return caller

    def require_fresh(self, bearer: Principal) -> None:
        """Return if the bearer has logged in recently; else raise `insufficient_user_authentication` (RFC 9470)."""
        max_age = self._lifetimes.freshness
        if self._clock.now() > bearer.auth_time + timedelta(seconds=max_age):
            challenge = f'{BEARER}, error="insufficient_user_authentication", max_age="{max_age}"'
            raise INSUFFICIENT_USER_AUTHENTICATION(challenge=challenge, max_age=max_age)

    async def _rotate(self, session: AsyncSession, refresh_token: str) -> _Refreshed | None:
        """Return the successor, or None when the token buys nothing; what it writes must be committed either way."""
        now = self._clock.now()
        token_digest = digest(refresh_token)
        found = await self._look_up(session, token_digest)
        if found is None:
            return None
        token, owner = found
        if owner.ended_at is not None or now >= owner.expires_at or now >= token.expires_at:
            return None
        if token.used_at is None:
            successor = self._randomness.token()
            sealed = self._sealer(refresh_token).seal(successor.encode(), token_digest)
            claim = (
                update(RefreshTokenRow)
                .where(RefreshTokenRow.digest == token_digest, RefreshTokenRow.used_at.is_(None))
                .values(used_at=now, sealed_successor=sealed)
                .returning(RefreshTokenRow.digest)
            )
            if await session.scalar(claim) is not None:
                return _Refreshed(owner, successor, await self._add_refresh_token(session, owner, successor, now))
            found = await self._look_up(session, token_digest)
            if found is None:
                return None
            token, owner = found
        return await self._replayed(session, token, owner, refresh_token, now)

    async def _replayed(
        self,
        session: AsyncSession,
        token: RefreshTokenRow,
        owner: SessionRow,
        refresh_token: str,
        now: datetime,
    ) -> _Refreshed | None:
        if token.used_at is None or token.sealed_successor is None:
            raise RuntimeError("a used refresh token lacks its successor")
        if now > token.used_at + timedelta(seconds=self._lifetimes.refresh_grace):
            log.warning("a refresh token was used twice; its session has been ended", session_id=owner.id)
            await self._end(session, owner.id, "refresh_token_reuse")
            return None
        successor = self._sealer(refresh_token).unseal(token.sealed_successor, token.digest).decode()
        row = await session.get_one(RefreshTokenRow, digest(successor))
        return _Refreshed(owner, successor, row.expires_at)

    @staticmethod
    async def _look_up(session: AsyncSession, token_digest: str) -> tuple[RefreshTokenRow, SessionRow] | None:
        query = (
            select(RefreshTokenRow, SessionRow)
            .join(SessionRow, SessionRow.id == RefreshTokenRow.session_id)
            .where(RefreshTokenRow.digest == token_digest)
            # On PostgreSQL the session stays until the successor is written: its deletion waits, or is seen here.
            .with_for_update(read=True, key_share=True, of=SessionRow)
            .execution_options(populate_existing=True)
        )
        row = (await session.execute(query)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def _add_refresh_token(self, session: AsyncSession, owner: SessionRow, token: str, now: datetime) -> datetime:
        expires_at = min(now + timedelta(seconds=self._lifetimes.refresh_idle), owner.expires_at)
        await session.execute(
            insert(RefreshTokenRow).values(
                digest=digest(token), session_id=owner.id, created_at=now, expires_at=expires_at
            )
        )
        return expires_at

    async def _end(self, session: AsyncSession, session_id: str, reason: str) -> None:
        await session.execute(
            update(SessionRow)
            .where(SessionRow.id == session_id, SessionRow.ended_at.is_(None))
            .values(ended_at=self._clock.now(), end_reason=reason)
        )

    async def _pair(self, refreshed: _Refreshed, roles: list[str]) -> TokenPair:
        owner = refreshed.session
        bearer = Principal(owner.user_id, owner.id, frozenset(roles), owner.auth_time, owner.expires_at)
        issued = self._access_tokens.issue(
            await self._keys.current(), bearer, self._randomness.new_id(), PASSWORD_METHODS
        )
        return TokenPair(
            access_token=issued.token,
            expires_in=issued.expires_in,
            refresh_token=refreshed.refresh_token,
            refresh_token_expires_in=max(0, int((refreshed.expires_at - self._clock.now()).total_seconds())),
            session_id=owner.id,
        )

    def _sealer(self, refresh_token: str) -> Sealer:
        return Sealer(refresh_token, "refresh token successor", self._randomness)
