"""The revocation feed: what no longer counts, known to every worker before the next request.

An access token is verified without a look at the database, so whatever ends it early is written down here: an
append-only feed, held in memory by each worker until the last access token that an entry concerns has expired.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from sqlalchemy import (
    BigInteger,
    Insert,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.access_tokens import LONGEST_CLOCK_SKEW
from api.core.clock import Clock
from api.core.principal import Principal
from api.core.randomness import Randomness
from api.features.revocation.following import Follower
from api.features.revocation.memory import Entry, Memory
from api.features.revocation.models import RevocationRow
from api.features.revocation.on_postgres import PostgresFollower
from api.features.revocation.on_sqlite import SqliteFollower
from api.persistence.database import Database
from api.persistence.point_query import PointQuery

T = TypeVar("T")
Kind = Literal["session", "user", "key", "api_key", "everyone", "keys"]
"""What an entry says.

session, key, api_key: credentials of this session, signed with this key, or this API key itself, no longer count.
user: what was issued to this user before this position no longer counts. everyone: nor does anything issued before it.
keys: the signing keys have changed, read them anew; nothing is revoked.
"""

EVERYONE = "everyone"
TIDY_EVERY = 60
"""Seconds between two deletions of expired entries by one worker."""
TIDY_AT_ONCE = 1_000

_AGAINST: Select[Any] = select(literal_column("1")).where(
    or_(
        RevocationRow.subject == bindparam("session"),
        RevocationRow.subject == bindparam("kid"),
        RevocationRow.subject == bindparam("api_key"),
        and_(RevocationRow.subject == bindparam("user"), RevocationRow.seq > bindparam("position")),
        and_(RevocationRow.subject == EVERYONE, RevocationRow.seq > bindparam("position")),
    )
)


class Revocations:
    """The feed, as one worker writes and knows it.

    lifetime: the longest life of an access token, in seconds. strict: ask the database on each request all the same.
    timeout: seconds to wait for a connection.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        randomness: Randomness,
        *,
        lifetime: int,
        strict: bool,
        timeout: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keep = lifetime + LONGEST_CLOCK_SKEW
        self._strict = strict
        self._memory = Memory(self._keep)
        self._callbacks: dict[str, list[Callable[[str], None]]] = {}
        self._tidy_at = 0.0
        self._forget_at = 0.0
        self._query = PointQuery(database, _AGAINST)
        self._follower: Follower = (
            SqliteFollower(database, self._apply)
            if database.is_sqlite
            else PostgresFollower(database, self._apply, randomness.new_id(), timeout)
        )
        self._started = False

    async def start(self) -> None:
        """Begin to follow the feed, and read what there is."""
        self._started = True
        await self._follower.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._follower.stop()
        self._query.close()

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
        return not await self._query.exists(
            session=bearer.session_id or "",
            kid=bearer.kid or "",
            api_key=bearer.api_key_id or "",
            user=bearer.user_id,
            position=bearer.position,
        )

    async def write(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run `work`, which may `record`, in one transaction; return when it is committed and every worker knows.

        One such transaction at a time, so that the feed is in the order of the commits.

        Raises the problem `database_unavailable`.
        """

        if not self._started:  # to hear who knows
            await self.start()

        async def noting(session: AsyncSession) -> tuple[T, int | None]:
            await self._database.in_order(session, "first")
            return await work(session), session.info.get(RevocationRow)

        result, position = await self._database.write(noting)
        if position is not None:
            await self._follower.others_have_seen(position)
        return result

    async def record(self, session: AsyncSession, kind: Kind, *subjects: str) -> None:
        """Add an entry for each of `subjects` in the transaction of `session`, which `write` has begun."""
        if not subjects:
            return
        expires_at = self._expires_at()
        rows = [{"kind": kind, "subject": subject, "expires_at": expires_at} for subject in subjects]
        await self._add(session, insert(RevocationRow), rows)

    async def record_all(self, session: AsyncSession, kind: Kind, subjects: Select[Any]) -> None:
        """Do the same for each row of a query, however many they are, in one statement."""
        (subject,) = subjects.subquery().c
        rows = select(literal(kind, String), subject, literal(self._expires_at(), BigInteger))
        await self._add(session, insert(RevocationRow).from_select(["kind", "subject", "expires_at"], rows))

    def _expires_at(self) -> int:
        return int(self._clock.timestamp()) + self._keep

    async def _add(self, session: AsyncSession, statement: Insert, rows: list[dict[str, Any]] | None = None) -> None:
        await session.execute(statement, rows)
        now = self._clock.timestamp()
        if now >= self._tidy_at:
            self._tidy_at = now + TIDY_EVERY
            expired = select(RevocationRow.seq).where(RevocationRow.expires_at < int(now)).limit(TIDY_AT_ONCE)
            await session.execute(delete(RevocationRow).where(RevocationRow.seq.in_(expired)))
        session.info[RevocationRow] = await self._follower.announce(session)

    @staticmethod
    def position() -> ScalarSelect[Any]:
        """Return the position of the feed as a column: read beside roles, it says as of when they hold."""
        return select(func.coalesce(func.max(RevocationRow.seq), 0)).scalar_subquery()

    async def revoke_everyone(self) -> None:
        """Let nothing count that was issued so far; raises the problem `database_unavailable`."""

        async def add(session: AsyncSession) -> None:
            await self.record(session, "everyone", EVERYONE)

        await self.write(add)

    def _apply(self, entries: list[Entry]) -> None:
        self._memory.add(entries)
        now = self._clock.timestamp()
        if now >= self._forget_at:
            self._forget_at = now + self._keep // 8
            self._memory.forget(now)
        for _, kind, subject, _ in entries:
            for callback in self._callbacks.get(kind, ()):
                callback(subject)
