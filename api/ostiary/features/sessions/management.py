"""Session management for users: list and end their sessions, and change the password."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement

from ostiary.core.actor import Actor
from ostiary.core.clock import Clock
from ostiary.core.principal import Principal
from ostiary.core.request_info import OPERATOR, RequestInfo
from ostiary.features.accounts.service import Accounts, PasswordCheck
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.features.sessions.events import PASSWORD_CHANGED, SESSIONS_ENDED, SESSIONS_ENDED_BY_OPERATOR
from ostiary.features.sessions.models import SessionRow
from ostiary.features.sessions.problems import SESSION_NOT_FOUND, WRONG_PASSWORD
from ostiary.features.sessions.rules import MAX_LISTED, device_of
from ostiary.features.sessions.service import Sessions
from ostiary.features.sessions.store import end, end_many, live
from ostiary.persistence.database import Database


@dataclass(frozen=True)
class LiveSession:
    """A session as its user sees it. `last_seen_at` can lag by 30 seconds."""

    id: str
    device: str
    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


class SessionManagement:
    """The use cases that concern the sessions of one user."""

    def __init__(
        self,
        database: Database,
        actors: Actors,
        accounts: Accounts,
        sessions: Sessions,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._database = database
        self._actors = actors
        self._accounts = accounts
        self._sessions = sessions
        self._revocations = revocations
        self._clock = clock

    async def sessions_of(self, bearer: Principal) -> list[LiveSession]:
        """Return the live sessions of the bearer's user, the newest first, at most 200 of them.

        Raises the problem `database_unavailable`.
        """
        await self._sessions.last_seen.write()
        async with self._database.read() as session:
            rows = await session.scalars(live(bearer.user_id, self._clock.now()).limit(MAX_LISTED))
            return [_live_session(row, bearer) for row in rows]

    async def log_out(self, actor: Actor, info: RequestInfo) -> None:
        """End the session of the actor, with all its tokens.

        Raises the problems `invalid_token`, `database_unavailable`.
        """
        await self._actors.write_revoking(actor, self._log_out, info)

    async def _log_out(self, tx: RevokingTransaction, bearer: Principal, info: RequestInfo) -> None:
        which = SessionRow.id == bearer.session_id
        if not await self._end(tx, bearer.user_id, "logout", info, None, which):
            # A failover lost its row.
            await tx.revoke_session(bearer.session_id or "")

    async def end_one(self, actor: Actor, session_id: str, info: RequestInfo) -> None:
        """End one session of the actor.

        Raises the problems `session_not_found`, `invalid_token`, `insufficient_scope`, `database_unavailable`.
        """
        if not await self._actors.write_revoking(actor, self._end_one, session_id, info):
            raise SESSION_NOT_FOUND()

    async def _end_one(
        self, tx: RevokingTransaction, bearer: Principal, session_id: str, info: RequestInfo
    ) -> list[str]:
        return await self._end(tx, bearer.user_id, "ended_by_user", info, None, SessionRow.id == session_id)

    async def end_own(self, actor: Actor, info: RequestInfo, *, current: bool) -> int:
        """End the other sessions of the actor, and also the current one if `current`; return how many.

        Raises the problems `invalid_token`, `insufficient_scope`, `database_unavailable`.
        """
        return await self._actors.write_revoking(actor, self._end_own, info, current=current)

    async def _end_own(self, tx: RevokingTransaction, bearer: Principal, info: RequestInfo, *, current: bool) -> int:
        kept = None if current else bearer.session_id
        return await self.end_all(tx, bearer.user_id, "ended_by_user", info, keep_session=kept)

    async def end_since(self, since: datetime | None) -> int:
        """End the sessions that began at or after a time (None: all sessions); return how many.

        For an operator. Raises the problem `database_unavailable`.
        """
        return await self._revocations.write(self._end_since, since)

    async def _end_since(self, tx: RevokingTransaction, since: datetime | None) -> int:
        criteria = [] if since is None else [SessionRow.created_at >= since]
        ended = await end_many(tx, self._clock.now(), "operator", *criteria)
        if since is None:
            await tx.revoke_everyone()
        recorded = None if since is None else since.isoformat()
        tx.record(SESSIONS_ENDED_BY_OPERATOR, OPERATOR, user_id=None, sessions=ended, since=recorded)
        return ended

    async def change_password(self, actor: Actor, present: str, new: str, info: RequestInfo) -> int:
        """Replace the password and end the other sessions; return how many ended.

        Raises the problems `wrong_password`, `password_too_common`, `invalid_token`, `overloaded`,
        `database_unavailable`.
        """
        check = await self._accounts.verify_id(actor.seen.user_id, present)
        if not check.matches or check.account is None:
            await self._sessions.note_wrong_password(actor, info)
            raise WRONG_PASSWORD()
        password_hash = await self._accounts.hash_new(new, check.account.username)
        ended = await self._actors.write_revoking(actor, self._replace_password, check, password_hash, info)
        if ended is None:  # another request changed it concurrently
            raise WRONG_PASSWORD()
        return ended

    async def _replace_password(
        self, tx: RevokingTransaction, bearer: Principal, check: PasswordCheck, password_hash: str, info: RequestInfo
    ) -> int | None:
        if not await self._accounts.set_password(tx, check, password_hash):
            return None
        ended = await self.end_all(tx, bearer.user_id, "password_change", info, keep_session=bearer.session_id)
        tx.record(PASSWORD_CHANGED, info, user_id=bearer.user_id)
        return ended

    async def end_all(
        self,
        tx: RevokingTransaction,
        user_id: str,
        reason: str,
        info: RequestInfo,
        *,
        actor_id: str | None = None,
        keep_session: str | None = None,
    ) -> int:
        """End all sessions of a user except `keep_session`; return how many ended.

        Access tokens end by the user's entry in the feed as well, also those of a session whose row a failover has
        lost. reason: for the audit trail. actor_id: the user who ends them; None: the same user.
        """
        others = [] if keep_session is None else [SessionRow.id != keep_session]
        ended = await self._end(tx, user_id, reason, info, actor_id, *others)
        await tx.revoke_user(user_id, keep_session=keep_session)
        return len(ended)

    async def _end(
        self,
        tx: RevokingTransaction,
        user_id: str,
        reason: str,
        info: RequestInfo,
        actor_id: str | None,
        *criteria: ColumnElement[bool],
    ) -> list[str]:
        ended = await end(tx, self._clock.now(), reason, SessionRow.user_id == user_id, *criteria)
        if ended:
            tx.record(SESSIONS_ENDED, info, user_id=user_id, actor_id=actor_id, session_ids=ended, reason=reason)
        return ended


def _live_session(row: SessionRow, bearer: Principal) -> LiveSession:
    return LiveSession(
        row.id,
        device_of(row.user_agent),
        row.user_agent,
        row.ip,
        row.created_at,
        row.last_seen_at or row.created_at,
        row.expires_at,
        row.id == bearer.session_id,
    )
