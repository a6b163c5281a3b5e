"""The facts that PostgreSQL reveals about its own history, and what a worker remembers of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, Select, String, delete, insert, literal_column, text
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.features.revocation.following import Recover, loop_time
from ostiary.features.revocation.identity import Found, Known, Reason, last_row, look, sign
from ostiary.features.revocation.models import FeedIdentityRow
from ostiary.persistence.database import Database, database_faults
from ostiary.persistence.transaction import Transaction

MAX_LOOKS = 3
"""Looks after each of which it is tried to recover."""
CHECK_SECONDS = 1.5
"""While a worker asks the database, the age of the last look from which on it asks anew whether the database went
back."""

_WAYS = {
    "system": ("(SELECT system_identifier::text FROM pg_control_system())",),
    "timeline": (
        "('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint",
        # Right after a promotion this still names the former one.
        "(SELECT timeline_id::bigint FROM pg_control_checkpoint())",
    ),
    "database": ("(SELECT oid::bigint FROM pg_database WHERE datname = current_database())",),
    "wal": ("(pg_current_wal_flush_lsn() - '0/0')::bigint",),
}
_SIGNS: dict[str, Reason] = {"system": "system_identifier", "timeline": "timeline", "database": "database_oid"}
_REFUSED = (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError)
"""A hosting service has taken the function away, or the privilege."""
_STORED = ("system", "timeline", "database", "written_by")
_ROW = (*_STORED, "xmin::text::bigint")
_NAMES = (*_WAYS, *(f"stored_{name}" for name in _STORED), "xmin")

# The row's own transaction, also inside a savepoint. Every way to copy rows writes them in another one.
_SIGN_ROW = text("UPDATE feed_identity SET written_by = xmin::text::bigint")
_NEXT = text("SELECT nextval(pg_get_serial_sequence('revocations', 'seq')::regclass)")
_MOVE = text("SELECT setval(pg_get_serial_sequence('revocations', 'seq')::regclass, CAST(:position AS bigint))")


class _Questions:
    """The query of a look at one server. ways: an SQL expression for each fact that can be read there."""

    def __init__(self, ways: dict[str, str]) -> None:
        self.columns = {name: _column(ways.get(name, "NULL"), name) for name in _WAYS}
        stored = [_column(f"(SELECT {name} FROM feed_identity)", name) for name in _ROW]  # noqa: S608
        self.query: Select[Any] = look(last_row(), *self.columns.values(), *stored)
        self.sql = str(self.query.compile(dialect=dialect.dialect()))  # type: ignore[no-untyped-call]

    @classmethod
    async def ask(cls, connection: Any) -> "_Questions":
        """Find out which facts can be read; the others are left out."""
        ways: dict[str, str] = {}
        for name, expressions in _WAYS.items():
            for expression in expressions:
                try:
                    await connection.fetchval(f"SELECT {expression}")
                except _REFUSED:
                    continue
                ways[name] = expression
                break
        return cls(ways)

    @staticmethod
    def found(row: Any) -> Found:
        """Return the facts in a row of the query."""
        values = dict(zip(_NAMES, tuple(row)[-len(_NAMES) :], strict=True))
        return Found.of(row, int(values["wal"] or 0), _contradiction(values))


def _column(expression: str, name: str) -> Any:
    kind = String() if name == "system" else BigInteger()
    return literal_column(f"CAST({expression} AS {'varchar' if name == 'system' else 'bigint'})", kind)


def _contradiction(values: dict[str, Any]) -> Reason | None:
    """Return which fact the row contradicts; one that could not be read, now or then, contradicts nothing."""
    for name, reason in _SIGNS.items():
        now, stored = values[name], values[f"stored_{name}"]
        if now is not None and stored is not None and now != stored:
            return reason
    return "restored_row" if values["stored_written_by"] != values["xmin"] else None


class PostgresHistory:
    """The history as one worker knows it. connect: opens a connection of asyncpg. recover: see following.Recover."""

    def __init__(self, database: Database, connect: Callable[[], Awaitable[Any]], recover: Recover) -> None:
        self._database = database
        self._connect = connect
        self._recover = recover
        self._questions: _Questions | None = None
        self._known = Known()
        self._wal = 0
        self._checked = float("-inf")

    async def ask(self, connection: Any) -> None:
        """Find out again which facts the server reveals: it may be another server, and privileges can change."""
        self._questions = await _Questions.ask(connection)

    async def look(self, connection: Any, position: int) -> bool:
        """Return whether the database has not gone back, as seen through the feed's connection.

        position: that of the last entry which was read.
        """
        known, asked, questions = self._known, loop_time(), await self._asked()
        found = questions.found(await connection.fetchrow(questions.sql, known.audit))
        if found.generation is None or sign(known, position, found) is not None:
            self._checked = float("-inf")
            return False
        # What is on the disk may end amid a record, which a crash would take back: so the former look's counts.
        self._known = found.as_known(self._wal if found.generation == known.generation else 0)
        self._wal = found.wal
        self._checked = asked
        return True

    async def check(self, position: int) -> None:
        """Return if the database has not gone back, or is recovered; raises the problem `database_unavailable`."""
        for _ in range(MAX_LOOKS):
            asked = loop_time()
            if asked - self._checked < CHECK_SECONDS:
                return
            async with self._database.read() as session:
                found, reason = await self.inspect(session, position)
            if found.generation is not None and reason is None:
                self._checked = asked
                return
            await self._recover()
        raise DATABASE_UNAVAILABLE()

    def highest(self) -> int:
        """Return the highest position that was seen."""
        return self._known.position

    async def inspect(self, session: AsyncSession, position: int) -> tuple[Found, Reason | None]:
        """Compare the database with what this worker knows, and with what it says of itself."""
        known, questions = self._known, await self._asked()  # the feed's connection can learn more during the await
        found = questions.found((await session.execute(questions.query, {"audit": known.audit})).one())
        return found, sign(known, position, found)

    async def renew(self, tx: Transaction, generation: str, position: int) -> None:
        """Rewrite the identity row."""
        columns = (await self._asked()).columns
        facts = {name: columns[name] for name in _SIGNS}
        await tx.session.execute(delete(FeedIdentityRow))
        await tx.session.execute(
            insert(FeedIdentityRow).values(id=1, generation=generation, position=position, **facts)
        )
        await tx.session.execute(_SIGN_ROW)

    @staticmethod
    async def jump(tx: Transaction, position: int, by: int) -> int:
        """Continue the numbering `by` beyond `position` and all positions given out; return the new position."""
        given_out: int = await tx.session.scalar(_NEXT) or 0
        beyond = max(position, given_out) + by
        await tx.session.execute(_MOVE, {"position": beyond})
        return beyond

    async def _asked(self) -> _Questions:
        if self._questions is None:  # no connection listens yet
            with self._database.watched(), database_faults():
                connection = await self._connect()
                try:
                    self._questions = await _Questions.ask(connection)
                finally:
                    await connection.close(timeout=1)
        return self._questions
