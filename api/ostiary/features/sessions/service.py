"""Sessions: refresh, reauthenticate, revoke, and the principal of an access token."""

from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import update

from ostiary.core.access_tokens import AccessTokens, InvalidAccessToken, UnknownKey
from ostiary.core.actor import Actor
from ostiary.core.clock import Clock
from ostiary.core.events import NO_USER
from ostiary.core.principal import Principal
from ostiary.core.problems import INVALID_TOKEN
from ostiary.core.request_info import RequestInfo
from ostiary.features.accounts.service import Accounts, AuthorizationSnapshot
from ostiary.features.actors.service import Actors
from ostiary.features.keys.service import Keys
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.features.sessions.events import (
    PASSWORD_REFUSED,
    REAUTHENTICATED,
    REFRESH_TOKEN_REUSED,
    SESSIONS_ENDED,
    TOKEN_REVOKED,
)
from ostiary.features.sessions.issuing import AccessToken, TokenIssuer, TokenPair
from ostiary.features.sessions.models import SessionRow
from ostiary.features.sessions.problems import (
    INVALID_REFRESH_TOKEN,
    WRONG_PASSWORD,
)
from ostiary.features.sessions.rotation import RefreshTokenState, Reused, Rotation, Successor
from ostiary.features.sessions.store import end
from ostiary.persistence.database import Database
from ostiary.persistence.last_used import LastUsedWriter
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class _Renewed:
    session: SessionRow
    snapshot: AuthorizationSnapshot


class Sessions:
    """The use cases of sessions, from the first refresh on; `Logins` begins them."""

    def __init__(
        self,
        database: Database,
        actors: Actors,
        accounts: Accounts,
        keys: Keys,
        access_tokens: AccessTokens,
        rotation: Rotation,
        issuer: TokenIssuer,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._database = database
        self._actors = actors
        self._accounts = accounts
        self._keys = keys
        self._access_tokens = access_tokens
        self._rotation = rotation
        self._issuer = issuer
        self._revocations = revocations
        self._clock = clock
        self.last_seen = LastUsedWriter(database, clock, SessionRow, SessionRow.id, SessionRow.last_seen_at)

    async def stop(self) -> None:
        """Write when sessions were last seen."""
        await self.last_seen.stop()

    async def refresh(self, refresh_token: str, info: RequestInfo) -> TokenPair:
        """Exchange a refresh token for a new pair (RFC 9700 section 4.14.2).

        One compare-and-swap marks the token as used. Within the grace time, a repetition gets the same successor, for
        example after a lost answer. Later the session ends, because somebody may have a copy. Raises the problems
        `invalid_refresh_token` and `database_unavailable`.
        """
        outcome = await self._database.write(self._rotation.rotate, refresh_token)
        if isinstance(outcome, Reused):
            await self._revocations.write(self._end_family, outcome.session, info)
        if not isinstance(outcome, Successor):
            raise INVALID_REFRESH_TOKEN()
        return await self._issuer.pair(outcome)

    async def _end_family(self, tx: RevokingTransaction, owner: SessionRow, info: RequestInfo) -> None:
        log.warning("a refresh token was used twice; its session has been ended", session_id=owner.id)
        if await end(tx, self._clock.now(), "refresh_token_reuse", SessionRow.id == owner.id):
            tx.record(REFRESH_TOKEN_REUSED, info, user_id=owner.user_id, outcome="failure", session_id=owner.id)

    async def revoke(self, session_id: str, user_id: str, info: RequestInfo, client_id: str) -> None:
        """End a session and all its tokens for a service client.

        client_id: that service client. Raises the problem `database_unavailable`.
        """
        await self._revocations.write(self._revoke, session_id, user_id, info, client_id)

    async def _revoke(
        self, tx: RevokingTransaction, session_id: str, user_id: str, info: RequestInfo, client_id: str
    ) -> None:
        ended = await end(tx, self._clock.now(), "revoked", SessionRow.id == session_id)
        if not ended:  # somebody else just ended it, or a failover lost its row
            await tx.revoke_session(session_id)
            return
        record = partial(tx.record, info=info, user_id=user_id, actor_id=NO_USER)
        record(TOKEN_REVOKED, session_id=session_id, client_id=client_id)
        record(SESSIONS_ENDED, session_ids=ended, reason="revoked")

    async def reauthenticate(self, actor: Actor, password: str, info: RequestInfo) -> AccessToken:
        """Check the password of the user again; return an access token with the new `auth_time`.

        Later tokens of the session have it, too. The refresh token does not change. Raises the problems
        `wrong_password`, `invalid_token`, `overloaded`, `database_unavailable`.
        """
        check = await self._accounts.verify_id(actor.seen.user_id, password)
        if not check.matches:
            await self.note_wrong_password(actor, info)
            raise WRONG_PASSWORD()
        renewed = await self._actors.write(actor, self._renew, check.password_version, info)
        if renewed is None:
            raise INVALID_TOKEN()
        return await self._issuer.access_token(renewed.session, renewed.snapshot)

    async def _renew(
        self, tx: Transaction, bearer: Principal, password_version: int, info: RequestInfo
    ) -> _Renewed | None:
        snapshot = await self._accounts.confirm(tx, bearer.user_id, password_version)
        statement = (
            update(SessionRow)
            .where(SessionRow.id == bearer.session_id, SessionRow.ended_at.is_(None))
            .values(auth_time=self._clock.now())
            .returning(SessionRow)
        )
        owner = await tx.session.scalar(statement)
        if snapshot is None or owner is None:
            return None
        tx.record(REAUTHENTICATED, info, user_id=bearer.user_id, session_id=owner.id)
        return _Renewed(owner, snapshot)

    async def note_wrong_password(self, actor: Actor, info: RequestInfo) -> None:
        """Record in the audit trail that the current password was wrong.

        Raises the problems `invalid_token`, `database_unavailable`.
        """
        await self._actors.write(actor, self._note_wrong_password, info)

    @staticmethod
    async def _note_wrong_password(tx: Transaction, bearer: Principal, info: RequestInfo) -> None:
        tx.record(PASSWORD_REFUSED, info, user_id=bearer.user_id, outcome="failure")

    def cached_principal(self, token: str) -> Principal | None:
        """Return the principal of an access token if it is cached, else None.

        On the event loop alone, where it takes some µs. Raises the problem `invalid_token` for a revoked token.
        """
        bearer = self._access_tokens.cached_principal(token)
        if bearer is None:
            return None
        allowed = self._revocations.allows_now(bearer)
        return None if allowed is None else self._accepted(bearer, allowed=allowed)

    async def look_up_refresh_token(self, refresh_token: str) -> RefreshTokenState | None:
        """Return the state of a refresh token, without changing it; None if it is unknown or has expired.

        Raises the problem `database_unavailable`.
        """
        async with self._database.read() as session:
            return await self._rotation.state(session, refresh_token)

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of an access token; raises the problems `invalid_token` and `database_unavailable`."""
        try:
            try:
                bearer = self._access_tokens.verify(token, await self._keys.ring())
            except UnknownKey:
                bearer = self._access_tokens.verify(token, await self._keys.reloaded_ring())
        except InvalidAccessToken as error:
            raise INVALID_TOKEN() from error
        return self._accepted(bearer, allowed=await self._revocations.allows(bearer))

    def _accepted(self, bearer: Principal, *, allowed: bool) -> Principal:
        if not allowed:
            raise INVALID_TOKEN()
        if bearer.session_id is not None:
            self.last_seen.note(bearer.session_id)
        return bearer
