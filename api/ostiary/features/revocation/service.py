"""The revocation feed: what no longer counts, known to every worker before the next request.

An access token is verified without a look at the database, so whatever ends it early is written down here: an
append-only feed, held in memory by each worker until the last access token that an entry concerns has expired.
"""

import asyncio
import contextvars
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal, TypeVar

from sqlalchemy import BigInteger, Insert, ScalarSelect, Select, String, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.access_tokens import MAX_CLOCK_SKEW
from ostiary.core.clock import Clock
from ostiary.core.principal import Principal
from ostiary.core.problems import Problem
from ostiary.core.randomness import Randomness
from ostiary.features.audit.service import Audit
from ostiary.features.revocation.against import AGAINST, AHEAD, EVERYONE
from ostiary.features.revocation.following import Follower
from ostiary.features.revocation.memory import Entry, Memory
from ostiary.features.revocation.models import RevocationRow
from ostiary.features.revocation.on_postgres import PostgresFollower
from ostiary.features.revocation.on_sqlite import SqliteFollower
from ostiary.features.revocation.recovery import Recovery
from ostiary.persistence.database import Database
from ostiary.persistence.point_query import PointQuery
from ostiary.persistence.postgres_address import PostgresAddress

T = TypeVar("T")
Kind = Literal["session", "user", "key", "api_key", "everyone", "keys"]
"""What an entry says.

session, key, api_key: credentials of this session, signed with this key, or this API key itself, no longer count.
user: what was issued to this user before this position no longer counts, but for a session that the entry may name.
everyone: nor does anything issued before it.
keys: the signing keys have changed, read them anew; nothing is revoked.
"""

TIDY_EVERY = 60
"""Seconds between two deletions of expired entries by one worker."""
TIDY_AT_ONCE = 1_000

_FIRST_AGAINST = AGAINST.limit(1)


def _needed_by(bearer: Principal) -> dict[str, Any]:
    return {
        "session": bearer.session_id or "",
        "kid": bearer.kid or "",
        "api_key": bearer.api_key_id or "",
        "user": bearer.user_id,
        "position": bearer.position,
    }


class Revocations:
    """The feed, as one worker writes and knows it.

    lifetime: the longest life of an access token, in seconds. strict: ask the database on each request all the same.
    listen: where to listen on PostgreSQL, if not at the database's own address.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        randomness: Randomness,
        audit: Audit,
        *,
        lifetime: int,
        strict: bool,
        listen: PostgresAddress | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keep = lifetime + MAX_CLOCK_SKEW
        self._strict = strict
        self._memory = Memory(self._keep)
        self._callbacks: dict[str, list[Callable[[str], None]]] = {}
        self._cleanup_at = 0.0
        self._forget_at = 0.0
        self._query = PointQuery(database, AGAINST)
        self._ahead = PointQuery(database, AHEAD)
        self._follower: Follower = (
            SqliteFollower(database, self._apply, self._recover)
            if database.address is None
            else PostgresFollower(database, listen or database.address, self._apply, self._recover, randomness.new_id())
        )
        self._recovery = Recovery(self._follower, randomness, audit)
        self._started = False

    async def start(self) -> None:
        """Begin to follow the feed, and read what there is."""
        self._started = True
        await self._follower.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._follower.stop()
        self._query.close()
        self._ahead.close()

    def on(self, kind: Kind, callback: Callable[[str], None]) -> None:
        """Call `callback` with the subject of each entry of this kind when it reaches this worker."""
        self._callbacks.setdefault(kind, []).append(callback)

    def is_current(self) -> bool:
        """Return whether everything committed so far is known, and callbacks have been called; on the loop alone."""
        return self._started and self._follower.is_current()

    def allows_now(self, bearer: Principal) -> bool | None:
        """Return whether nothing is revoked that `bearer` needs, or None if the database must be asked.

        On the event loop alone; takes some µs.
        """
        if self._strict or not self._started or not self._follower.is_current():
            return None
        return self._memory.allows(bearer)

    async def allows(self, bearer: Principal) -> bool:
        """Return whether nothing is revoked that `bearer` needs; raises the problem `database_unavailable`."""
        if not self._started:
            await self.start()
        known = self.allows_now(bearer)
        if known is not None:
            return known
        await self._follower.check()
        if self._memory.allows(bearer) is False:  # whatever the database says, which may have gone back just now
            return False
        is_refused = await self._query.exists(**_needed_by(bearer))
        if (
            is_refused
            and bearer.position > self._memory.position
            and await self._ahead.exists(position=bearer.position)
        ):
            await self._recover(bearer.position)
        return not is_refused

    @staticmethod
    async def allows_within(session: AsyncSession, bearer: Principal) -> bool:
        """Return the same as of this transaction, whatever the memory says."""
        return await session.scalar(_FIRST_AGAINST, _needed_by(bearer)) is None

    async def write(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run `work`, which may `record`, in one transaction; return when it is committed and every worker knows.

        One such transaction at a time, so that the feed is in the order of the commits.

        Raises the problem `database_unavailable`.
        """

        if not self._started:  # to hear who knows
            await self.start()

        async def noting(session: AsyncSession) -> tuple[T | Problem, int | None]:
            if not await self._begin(session):
                return await work(session), session.info.get(RevocationRow)
            # That the database went back is kept, also if the work is then refused, as it is to an actor of before.
            position: int = session.info[RevocationRow]
            try:
                async with session.begin_nested():
                    return await work(session), session.info[RevocationRow]
            except Problem as problem:
                return problem, position

        result, position = await self._database.write(noting)
        if position is not None:
            await self._follower.others_have_seen(position)
        if isinstance(result, Problem):
            raise result
        return result

    async def _begin(self, session: AsyncSession, token_position: int = 0) -> bool:
        """Begin a transaction that adds to the feed; if the database went back, void what was issued before.

        token_position: that of a valid token. Returns whether it went back.
        """
        await self._database.lock_revocations(session)
        position = await self._recovery.recover(session, token_position)
        if position is None:
            return False
        await self._add(session, insert(RevocationRow), [self._row("everyone", EVERYONE) | {"seq": position}])
        return True

    async def _recover(self, token_position: int = 0) -> None:
        async def recover() -> None:
            await self._database.write(partial(self._begin, token_position=token_position))

        # In a context of its own, or it would become a part of what the request at hand writes.
        await asyncio.get_running_loop().create_task(recover(), context=contextvars.Context())

    async def record(self, session: AsyncSession, kind: Kind, *subjects: str) -> None:
        """Add an entry for each of `subjects` in the transaction of `session`, which `write` has begun."""
        if subjects:
            await self._add(session, insert(RevocationRow), [self._row(kind, subject) for subject in subjects])

    async def end_user(self, session: AsyncSession, user_id: str, *, but: str | None = None) -> None:
        """Let nothing count that was issued to a user so far, in such a transaction, whatever rows there are.

        but: the session whose tokens count on.
        """
        await self._add(session, insert(RevocationRow), [self._row("user", user_id) | {"kept_session": but}])

    async def record_all(self, session: AsyncSession, kind: Kind, subjects: Select[Any]) -> None:
        """Do the same for each row of a query, however many they are, in one statement."""
        (subject,) = subjects.subquery().c
        rows = select(literal(kind, String), subject, literal(self._expires_at(), BigInteger))
        await self._add(session, insert(RevocationRow).from_select(["kind", "subject", "expires_at"], rows))

    def _row(self, kind: Kind, subject: str) -> dict[str, Any]:
        return {"kind": kind, "subject": subject, "expires_at": self._expires_at()}

    def _expires_at(self) -> int:
        return int(self._clock.timestamp()) + self._keep

    async def _add(self, session: AsyncSession, statement: Insert, rows: list[dict[str, Any]] | None = None) -> None:
        await session.execute(statement, rows)
        now = self._clock.timestamp()
        if now >= self._cleanup_at:
            self._cleanup_at = now + TIDY_EVERY
            expired = select(RevocationRow.seq).where(RevocationRow.expires_at < int(now)).limit(TIDY_AT_ONCE)
            await session.execute(delete(RevocationRow).where(RevocationRow.seq.in_(expired)))
        session.info[RevocationRow] = await self._follower.announce(session)

    @staticmethod
    def position() -> ScalarSelect[Any]:
        """Return the position of the feed as a column: read beside roles, it says as of when they hold."""
        return select(func.coalesce(func.max(RevocationRow.seq), 0)).scalar_subquery()

    async def revoke_everyone(self) -> None:
        """Let nothing count that was issued so far; raises the problem `database_unavailable`."""

        await self.write(self.end_everyone)

    async def end_everyone(self, session: AsyncSession) -> None:
        """Do so in a transaction that `write` has begun."""
        await self.record(session, "everyone", EVERYONE)

    def _apply(self, entries: list[Entry]) -> None:
        self._memory.add(entries)
        now = self._clock.timestamp()
        if now >= self._forget_at:
            self._forget_at = now + self._keep // 8
            self._memory.forget(now)
        for _, kind, subject, _, _ in entries:
            for callback in self._callbacks.get(kind, ()):
                callback(subject)


def mark_restored(database: sqlite3.Connection) -> None:
    """Let the next start on an SQLite database find that it went back: beside it there will be no file of the feed.

    One from before 0.2.0 has no identity yet, and would be taken for a new database.
    """
    database.execute(
        "INSERT INTO feed_identity (id, generation, position) SELECT 1, 'restored', 0 "
        "WHERE NOT EXISTS (SELECT 1 FROM feed_identity)"
    )
