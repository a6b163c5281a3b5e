"""What a person does about their own sessions: list them, end them, change the password that begins them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.client import Client
from api.core.clock import Clock
from api.core.principal import Principal
from api.features.accounts.service import Accounts
from api.features.audit.service import Audit
from api.features.revocation.service import Revocations
from api.features.sessions.events import PASSWORD_CHANGED, SESSIONS_ENDED
from api.features.sessions.models import SessionRow
from api.features.sessions.problems import SESSION_NOT_FOUND, WRONG_PASSWORD
from api.features.sessions.rules import device_of
from api.features.sessions.service import Sessions
from api.features.sessions.store import end, live
from api.persistence.database import Database

MOST_LISTED = 200
"""Sessions that are listed, the newest first."""


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
        accounts: Accounts,
        sessions: Sessions,
        revocations: Revocations,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._database = database
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
            rows = await session.scalars(live(bearer.user_id, self._clock.now()).limit(MOST_LISTED))
            return [_live_session(row, bearer) for row in rows]

    async def end_one(self, bearer: Principal, session_id: str, client: Client) -> None:
        """End one session of the bearer's user; raises the problems `session_not_found`, `database_unavailable`."""
        ended = await self._end(
            bearer.user_id,
            "ended_by_user",
            client,
            None,
            SessionRow.id == session_id,
        )
        if not ended:
            raise SESSION_NOT_FOUND()

    async def end_own(self, bearer: Principal, client: Client, *, current: bool) -> int:
        """End the other sessions of the bearer's user, and the `current` one if so; return how many.

        Raises the problem `database_unavailable`.
        """
        others = [] if current or bearer.session_id is None else [SessionRow.id != bearer.session_id]
        return len(await self._end(bearer.user_id, "ended_by_user", client, None, *others))

    async def end_all(self, user_id: str, client: Client, actor_id: str) -> int:
        """End all sessions of a user by another's order; return how many. Raises `database_unavailable`."""
        return len(await self._end(user_id, "ended_by_administrator", client, actor_id))

    async def end_all_within(
        self, session: AsyncSession, user_id: str, reason: str, client: Client, actor_id: str
    ) -> list[str]:
        """End all sessions of a user in a transaction that `Revocations.write` has begun; return their ids."""
        return await self._end_within(session, user_id, reason, client, actor_id)

    async def change_password(self, bearer: Principal, present: str, new: str, client: Client) -> int:
        """Replace the password and end the other sessions; return how many those were.

        Raises the problems `wrong_password`, `password_too_common`, `overloaded`, `database_unavailable`.
        """
        proof = await self._accounts.verify_id(bearer.user_id, present)
        if not proof.matches or proof.account is None:
            await self._sessions.note_wrong_password(bearer, client)
            raise WRONG_PASSWORD()
        password_hash = await self._accounts.hash_new(new, proof.account.username)

        async def replace(session: AsyncSession) -> int | None:
            if not await self._accounts.set_password(session, proof, password_hash):
                return None
            others = SessionRow.id != bearer.session_id
            ended = await self._end_within(session, bearer.user_id, "password_change", client, None, others)
            self._audit.record(session, PASSWORD_CHANGED, client, user_id=bearer.user_id)
            return len(ended)

        ended = await self._revocations.write(replace)
        if ended is None:  # somebody else has changed it meanwhile
            raise WRONG_PASSWORD()
        return ended

    async def _end(
        self, user_id: str, reason: str, client: Client, actor_id: str | None, *criteria: ColumnElement[bool]
    ) -> list[str]:
        return await self._revocations.write(
            lambda session: self._end_within(session, user_id, reason, client, actor_id, *criteria)
        )

    async def _end_within(
        self,
        session: AsyncSession,
        user_id: str,
        reason: str,
        client: Client,
        actor_id: str | None,
        *criteria: ColumnElement[bool],
    ) -> list[str]:
        now = self._clock.now()
        ended = await end(session, self._revocations, now, reason, SessionRow.user_id == user_id, *criteria)
        if ended:
            self._audit.record(
                session, SESSIONS_ENDED, client, user_id=user_id, actor_id=actor_id, session_ids=ended, reason=reason
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
