"""Follows the revocation feed on PostgreSQL: workers get notifications, and confirm them to each other."""

import asyncio
import contextlib
from typing import Any

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.problems import Problem
from ostiary.features.revocation.following import AT_ONCE, Apply, Recover, loop_time
from ostiary.features.revocation.identity import Found, Reason
from ostiary.features.revocation.listeners import Listeners
from ostiary.features.revocation.postgres_history import PostgresHistory
from ostiary.persistence.database import Database
from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.persistence.postgres_session import fit
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

CHANNEL = "ostiary_revocations"
ACKNOWLEDGED = "ostiary_revocations_seen"
APPLICATION = "ostiary feed "
"""The name of listening connections in pg_stat_activity. Each has its own id."""
SILENT = "ostiary_revocations_silent"
"""The channel on which a worker reports the workers it has stopped waiting for: a position and the name."""
GONE = "gone"
"""The message of a worker that ends, on the second channel, instead of a position."""
HEARTBEAT = 1.0
"""Seconds between checks that the connection is alive and nothing was missed."""
PATIENCE = 3.0
"""Seconds after the last answer until the worker queries the database for each request."""
RETRY = 0.5
"""Seconds between attempts to connect."""
LIST_AGAIN = 0.1
"""Seconds between checks of the listening workers, while some have not confirmed an entry."""

# The last where the server has ended the connection and the question came before the news (asyncpg's issue 1069).
_BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_NEWER = "SELECT seq, kind, subject, expires_at, kept_session FROM revocations WHERE seq > $1 ORDER BY seq LIMIT $2"
_POSITION = text("SELECT max(seq), pg_notify(:channel, '') FROM revocations")
_NOTIFY = text("SELECT pg_notify(:channel, :said)")
_LISTENING = """
    SELECT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'ostiary feed %'
"""


class PostgresFollower:
    """Follows the feed by LISTEN/NOTIFY. While the connection is down or too long silent, it is not current.

    Workers that have seen an entry confirm it on a second channel, so that a logout is answered only when no worker
    accepts the token any more. address: where to listen. name: an id for this worker's connection.
    """

    def __init__(self, database: Database, address: PostgresAddress, apply: Apply, recover: Recover, name: str) -> None:
        self._database = database
        self._address = address
        self._recover = recover
        self._history = PostgresHistory(database, self._connect, recover)
        self._apply = apply
        self._name = APPLICATION + name
        self._position = 0
        self._told = 0
        self._read_up_to = 0
        self._confirmed = float("-inf")
        self._read_at = float("-inf")
        self._wake = asyncio.Event()
        self._listeners = Listeners(self._name, PATIENCE)
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    def is_current(self) -> bool:
        """Return whether the connection has answered recently, and all its messages have been read."""
        return self._told == self._read_up_to and loop_time() - self._confirmed < PATIENCE

    async def start(self) -> None:
        """Begin to listen; return after the first attempt, successful or not."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())
        await self._tried.wait()

    async def stop(self) -> None:
        """Close the connection, so that no worker waits for this one."""
        if self._task is None:
            return
        was_current = self.is_current()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if was_current:
            with contextlib.suppress(Problem):  # the others then wait for a moment
                await self._database.write(self._say_goodbye)

    async def _say_goodbye(self, tx: Transaction) -> None:
        await tx.session.execute(_NOTIFY, {"channel": ACKNOWLEDGED, "said": f"{GONE} {self._name}"})

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except Problem:
                pass  # the database is silent, which has been logged
            except _BROKEN as error:
                log.warning(
                    "revocations are not pushed at the moment; asking the database for each request",
                    cause=f"{type(error).__name__}: {str(error)[:300]}",
                )
            except Exception:  # any error: a worker that stopped following would stay slow until its restart
                log.exception("revocations are not pushed at the moment, for a fault; it is tried again")
            finally:
                self._confirmed = self._read_at = float("-inf")
                self._listeners.left(self._name)  # knows it at once, so nobody here has to wait for it
                self._tried.set()
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        with self._database.watched():
            connection = await self._connect()
        try:
            with self._database.watched():
                await fit(connection, statement=PATIENCE, lock=PATIENCE)
                await connection.add_listener(CHANNEL, self._notified)
                await connection.add_listener(ACKNOWLEDGED, self._acknowledged)
                await connection.add_listener(SILENT, self._given_up)
                await self._acknowledge(connection)  # its earlier position: from now on the others wait for it
                await self._history.ask(connection)
            look_at = float("-inf")
            while True:
                if loop_time() >= look_at:
                    await self._look(connection)
                    look_at = loop_time() + HEARTBEAT
                with self._database.watched():
                    news = await self._catch_up(connection)
                    if not news:
                        self._listeners.listed([name for (name,) in await connection.fetch(_LISTENING)], loop_time())
                self._tried.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), HEARTBEAT)
                self._wake.clear()
        finally:
            with contextlib.suppress(*_BROKEN):
                await connection.close(timeout=1)

    async def _connect(self) -> Any:
        return await self._address.connect(application_name=self._name, command_timeout=PATIENCE)

    async def _look(self, connection: Any) -> None:
        """See whether the database went back; if so, trust nothing until it is recovered."""
        while True:
            with self._database.watched():
                if await self._history.look(connection, self._position):
                    return
            self._confirmed = float("-inf")
            await self._recover()

    async def check(self) -> None:
        """Return if the database has not gone back, or is recovered; raises the problem `database_unavailable`."""
        await self._history.check(self._position)

    async def inspect(self, session: AsyncSession) -> tuple[Found, Reason | None]:
        """Compare the database with what this worker knows, and with what it says of itself."""
        return await self._history.inspect(session, self._position)

    async def jump(self, tx: Transaction, position: int, by: int) -> int:
        """Continue the numbering `by` beyond `position` and all used or seen positions; return the new position."""
        seen = max(position, self._position, self._history.highest(), self._listeners.highest())
        return await self._history.jump(tx, seen, by)

    async def renew(self, tx: Transaction, generation: str, position: int) -> None:
        """Record that the history continues as `generation` from `position`."""
        await self._history.renew(tx, generation, position)

    async def _catch_up(self, connection: Any) -> bool:
        """Read on until the memory may be trusted again; return whether there was anything.

        Others wait for a worker for PATIENCE, and no longer once it was silent for so long. So what this one has read
        counts only if less than that has passed since it read before, until the others could hear that it knows. Else
        they may have stopped waiting: from that news on they wait again, and what they committed before it is read now.
        """
        found = False
        while True:
            asked = loop_time()
            if await self._read(connection):
                found = True
                await self._acknowledge(connection)
            since, self._read_at = self._read_at, asked
            if loop_time() - since < PATIENCE:
                self._confirmed = asked
                return found

    async def _read(self, connection: Any) -> bool:
        """Read on; return whether there was anything."""
        told, before = self._told, self._position
        while rows := await connection.fetch(_NEWER, self._position, AT_ONCE):
            self._apply([tuple(row) for row in rows])
            self._position = rows[-1]["seq"]
        self._read_up_to = told
        return self._position != before

    async def _acknowledge(self, connection: Any) -> None:
        await connection.execute("SELECT pg_notify($1, $2)", ACKNOWLEDGED, f"{self._position} {self._name}")

    async def announce(self, tx: Transaction) -> int:
        """Notify the channel when the transaction is committed."""
        position: int = await tx.session.scalar(_POSITION, {"channel": CHANNEL})
        return position

    def _notified(self, *_: object) -> None:
        self._told += 1
        self._wake.set()

    def _given_up(self, _connection: Any, _pid: int, _channel: str, said: object) -> None:
        position, _, name = str(said).partition(" ")
        self._listeners.given_up(name, int(position))
        self._heard.set()

    def _acknowledged(self, _connection: Any, _pid: int, _channel: str, said: object) -> None:
        position, _, name = str(said).partition(" ")
        if position == GONE:
            self._listeners.left(name)
        else:
            self._listeners.know(name, int(position))
        self._heard.set()

    async def others_have_seen(self, position: int) -> None:
        """Wait until every worker that may trust its memory has said that it knows the entry at `position`.

        It takes some ms. One that stays silent, or whose connection is gone, is no longer waited for when for want of
        an answer from the database it has begun to ask it for each request. One that stays silent is waited for once,
        by one worker, until it speaks again.
        """
        deadline = loop_time() + PATIENCE
        while True:
            self._heard.clear()
            await self._list()
            until = self._listeners.wait_until(position)
            if until is None:
                return
            if loop_time() >= deadline:
                silent = self._listeners.give_up(position)
                log.warning(
                    "some workers did not say that they know a revocation; they are not waited for until they speak",
                    workers=len(silent),
                )
                with contextlib.suppress(Problem):  # then each worker finds out for itself
                    await self._database.write(self._name_silent, position, silent)
                return
            with contextlib.suppress(TimeoutError):
                now = loop_time()
                await asyncio.wait_for(self._heard.wait(), min(until, deadline, now + LIST_AGAIN) - now)

    @staticmethod
    async def _name_silent(tx: Transaction, position: int, names: list[str]) -> None:
        for name in names:
            await tx.session.execute(_NOTIFY, {"channel": SILENT, "said": f"{position} {name}"})

    async def _list(self) -> None:
        async with self._database.read() as session:
            self._listeners.listed(list(await session.scalars(text(_LISTENING))), loop_time())
