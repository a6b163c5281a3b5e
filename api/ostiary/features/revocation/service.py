"""The revocation feed: revoked credentials, known to every worker before the next request.

Access tokens are verified without a database query, so everything that ends them early is recorded in this append-only
feed. Each worker keeps an entry in memory until the last access token that it concerns has expired.
"""

import asyncio
import contextvars
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from sqlalchemy import ScalarSelect, func, select

from ostiary.core.access_tokens import MAX_CLOCK_SKEW
from ostiary.core.clock import Clock
from ostiary.core.principal import Principal
from ostiary.core.problems import Problem
from ostiary.core.randomness import Randomness
from ostiary.features.revocation.against import AGAINST, AHEAD
from ostiary.features.revocation.following import Follower
from ostiary.features.revocation.memory import Entry, Memory
from ostiary.features.revocation.models import RevocationRow
from ostiary.features.revocation.on_postgres import PostgresFollower
from ostiary.features.revocation.on_sqlite import SqliteFollower
from ostiary.features.revocation.recovery import Recovery
from ostiary.features.revocation.transaction import FeedWriter, Kind, RevokingTransaction
from ostiary.persistence.database import Database
from ostiary.persistence.point_query import PointQuery
from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.persistence.transaction import Transaction

__all__ = ["Kind", "Revocations", "RevokingTransaction", "mark_restored"]

T = TypeVar("T")
P = ParamSpec("P")
_FIRST_AGAINST = AGAINST.limit(1)


def _needed_by(bearer: Principal) -> dict[str, Any]:
    return {
        "session": bearer.session_id or "",
        "kid": bearer.kid or "",
        "api_key": bearer.api_key_id or "",
        "user": bearer.user_id,
        "position": bearer.position,
    }


@dataclass(frozen=True)
class _Outcome(Generic[T]):
    """The result of a transaction. position: of its last entry, if it has any. refused: raised after the commit."""

    result: T | None
    position: int | None
    refused: Problem | None = None


class Revocations:
    """The feed in one worker.

    lifetime: the maximum lifetime of an access token, in seconds. strict: query the database on each request anyway.
    listen: where to listen on PostgreSQL, if not at the database's own address.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        randomness: Randomness,
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
        self._forget_at = 0.0
        self._query = PointQuery(database, AGAINST)
        self._ahead = PointQuery(database, AHEAD)
        self._follower: Follower = (
            SqliteFollower(database, self._apply, self._recover)
            if database.address is None
            else PostgresFollower(database, listen or database.address, self._apply, self._recover, randomness.new_id())
        )
        self._recovery = Recovery(self._follower, randomness)
        self._writer = FeedWriter(clock, self._follower, self._keep)
        self._started = False

    async def start(self) -> None:
        """Begin to follow the feed, and read its entries."""
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
        """Return whether `bearer` is not revoked; None if the database must be queried.

        On the event loop alone; takes some µs.
        """
        if self._strict or not self._started or not self._follower.is_current():
            return None
        return self._memory.allows(bearer)

    async def allows(self, bearer: Principal) -> bool:
        """Return whether `bearer` is not revoked; raises the problem `database_unavailable`."""
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
    async def allows_in(tx: Transaction, bearer: Principal) -> bool:
        """Return whether `bearer` is not revoked as of this transaction, regardless of the memory."""
        return await tx.session.scalar(_FIRST_AGAINST, _needed_by(bearer)) is None

    async def write(
        self, work: Callable[Concatenate[RevokingTransaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(tx, ...)` as `Database.write` does; return its result when every worker knows what it revoked.

        Raises the problem `database_unavailable`.
        """
        if not self._started:  # to hear which workers know the entry
            await self.start()
        outcome = await self._database.write(self._run, lambda tx: work(tx, *args, **kwargs))
        if outcome.position is not None:
            await self._follower.others_have_seen(outcome.position)
        if outcome.refused is not None:
            raise outcome.refused
        return cast("T", outcome.result)

    async def _run(self, plain: Transaction, work: Callable[[RevokingTransaction], Awaitable[T]]) -> _Outcome[T]:
        tx = RevokingTransaction(plain, self._writer)
        if not await self._begin(tx):
            return _Outcome(await work(tx), tx.position)
        # That the database went back stays recorded, even if the work is refused, as it is to an actor of before.
        position = tx.position
        try:
            async with tx.savepoint():
                return _Outcome(await work(tx), tx.position)
        except Problem as problem:
            return _Outcome(None, position, problem)

    async def _begin(self, tx: RevokingTransaction, token_position: int = 0) -> bool:
        """Begin a transaction that adds to the feed. If the database went back, revoke everything issued before.

        token_position: that of a valid token. Returns whether it went back.
        """
        await tx.lock_revocations()
        position = await self._recovery.recover(tx, token_position)
        if position is None:
            return False
        await tx.revoke_everyone(at=position)
        return True

    async def _recover(self, token_position: int = 0) -> None:
        # In its own context, so that it does not become a part of the current request's writes.
        recovery = self._database.write(self._recover_in, token_position)
        await asyncio.get_running_loop().create_task(recovery, context=contextvars.Context())

    async def _recover_in(self, plain: Transaction, token_position: int) -> None:
        await self._begin(RevokingTransaction(plain, self._writer), token_position)

    @staticmethod
    def position() -> ScalarSelect[Any]:
        """Return the position of the feed as a column: roles that are read with it are valid as of this position."""
        return select(func.coalesce(func.max(RevocationRow.seq), 0)).scalar_subquery()

    async def revoke_everyone(self) -> None:
        """Revoke everything issued so far; raises the problem `database_unavailable`."""
        await self.write(RevokingTransaction.revoke_everyone)

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
