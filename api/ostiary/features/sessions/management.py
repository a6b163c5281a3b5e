"""What a person does about their own sessions: list them, end them, change the password that begins them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.actor import Actor
from ostiary.core.clock import Clock
from ostiary.core.principal import Principal
from ostiary.core.request_info import OPERATOR, RequestInfo
from ostiary.features.accounts.service import Accounts
from ostiary.features.actors.service import Actors
from ostiary.features.audit.service import Audit
from ostiary.features.revocation.service import Revocations
from ostiary.features.sessions.events import PASSWORD_CHANGED, SESSIONS_ENDED, SESSIONS_ENDED_BY_OPERATOR
from ostiary.features.sessions.models import SessionRow
from ostiary.features.sessions.problems import SESSION_NOT_FOUND, WRONG_PASSWORD
from ostiary.features.sessions.rules import MAX_LISTED, device_of
from ostiary.features.sessions.service import Sessions
from ostiary.features.sessions.store import end, end_many, live
from ostiary.persistence.database import Database


@dataclass(frozen=True)
class LiveSession:
    """A session as its user sees it. `last_seen_at` may lag behind by half a minute."""

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
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._database = database
        self._actors = actors
        self._accounts = accounts
        self._sessions = sessions
        self._revocations = revocations
        self._audit = audit
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
        """End the session of the actor, and with it every token of it.

        Raises the problems `invalid_token`, `database_unavailable`.
        """

        async def work(session: AsyncSession, bearer: Principal) -> None:
            which = SessionRow.id == bearer.session_id
            if not await self._end_within(session, bearer.user_id, "logout", info, None, which):
                # A failover has lost its row.
                await self._revocations.record(session, "session", bearer.session_id or "")

        await self._actors.write_revoking(actor, work)

    async def end_one(self, actor: Actor, session_id: str, info: RequestInfo) -> None:
        """End one session of the actor.

        Raises the problems `session_not_found`, `invalid_token`, `insufficient_scope`, `database_unavailable`.
        """

        async def work(session: AsyncSession, bearer: Principal) -> list[str]:
            which = SessionRow.id == session_id
            return await self._end_within(session, bearer.user_id, "ended_by_user", info, None, which)

        if not await self._actors.write_revoking(actor, work):
            raise SESSION_NOT_FOUND()

    async def end_own(self, actor: Actor, info: RequestInfo, *, current: bool) -> int:
        """End the other sessions of the actor, and the `current` one if so; return how many.

        Raises the problems `invalid_token`, `insufficient_scope`, `database_unavailable`.
        """

        async def work(session: AsyncSession, bearer: Principal) -> int:
            kept = None if current else bearer.session_id
            return await self._end_user(session, bearer.user_id, "ended_by_user", info, None, kept)

        return await self._actors.write_revoking(actor, work)

    async def end_all_within(
        self, session: AsyncSession, user_id: str, reason: str, info: RequestInfo, actor_id: str
    ) -> int:
        """End all sessions of a user in a transaction that `Revocations.write` has begun; return how many."""
        return await self._end_user(session, user_id, reason, info, actor_id, None)

    async def end_since(self, since: datetime | None) -> int:
        """End the sessions that began at that time or later, None: all; return how many.

        For an operator. Raises the problem `database_unavailable`.
        """

        async def finish(session: AsyncSession) -> int:
            criteria = [] if since is None else [SessionRow.created_at >= since]
            ended = await end_many(session, self._revocations, self._clock.now(), "operator", *criteria)
            if since is None:
                await self._revocations.end_everyone(session)
            told = None if since is None else since.isoformat()
            self._audit.record(session, SESSIONS_ENDED_BY_OPERATOR, OPERATOR, user_id=None, sessions=ended, since=told)
            return ended

        return await self._revocations.write(finish)

    async def change_password(self, actor: Actor, present: str, new: str, info: RequestInfo) -> int:
        """Replace the password and end the other sessions; return how many those were.

        Raises the problems `wrong_password`, `password_too_common`, `invalid_token`, `overloaded`,
        `database_unavailable`.
        """
        check = await self._accounts.verify_id(actor.seen.user_id, present)
        if not check.matches or check.account is None:
            await self._sessions.note_wrong_password(actor, info)
            raise WRONG_PASSWORD()
        password_hash = await self._accounts.hash_new(new, check.account.username)

        async def replace(session: AsyncSession, bearer: Principal) -> int | None:
            if not await self._accounts.set_password(session, check, password_hash):
                return None
            kept = bearer.session_id
            ended = await self._end_user(session, bearer.user_id, "password_change", info, None, kept)
            self._audit.record(session, PASSWORD_CHANGED, info, user_id=bearer.user_id)
            return ended

        ended = await self._actors.write_revoking(actor, replace)
        if ended is None:  # somebody else has changed it meanwhile
            raise WRONG_PASSWORD()
        return ended

    async def _end_user(
        self,
        session: AsyncSession,
        user_id: str,
        reason: str,
        info: RequestInfo,
        actor_id: str | None,
        kept: str | None,
    ) -> int:
        """End all sessions of a user but `kept`; return how many there were.

        Access tokens end by the user's entry as well, also those of a session whose row a failover has lost.
        """
        others = [] if kept is None else [SessionRow.id != kept]
        ended = await self._end_within(session, user_id, reason, info, actor_id, *others)
        await self._revocations.end_user(session, user_id, but=kept)
        return len(ended)

    async def _end_within(
        self,
        session: AsyncSession,
        user_id: str,
        reason: str,
        info: RequestInfo,
        actor_id: str | None,
        *criteria: ColumnElement[bool],
    ) -> list[str]:
        now = self._clock.now()
        ended = await end(session, self._revocations, now, reason, SessionRow.user_id == user_id, *criteria)
        if ended:
            self._audit.record(
                session, SESSIONS_ENDED, info, user_id=user_id, actor_id=actor_id, session_ids=ended, reason=reason
            )
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
