"""How a worker follows the revocation feed on PostgreSQL: by being told, and by telling the others that it knows."""

import asyncio
import contextlib
from typing import Any

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.problems import Problem
from api.features.revocation.following import AT_ONCE, Apply, loop_time
from api.features.revocation.listeners import Listeners
from api.persistence.database import Database

log = structlog.stdlib.get_logger(__name__)

CHANNEL = "ostiary_revocations"
ACKNOWLEDGED = "ostiary_revocations_seen"
APPLICATION = "ostiary feed "
"""How the connections that listen call themselves in pg_stat_activity, each with an id of its own."""
GONE = "gone"
"""Said on the second channel, in place of a position, by a worker that ends."""
HEARTBEAT = 1.0
"""Seconds between two questions whether the connection still lives and nothing was missed."""
PATIENCE = 3.0
"""Seconds after the last answer from which on the worker asks the database for each request."""
RETRY = 0.5
"""Seconds between two tries to connect."""
LIST_AGAIN = 0.1
"""Seconds between two looks at who listens, while some have not said that they know an entry."""

# The last where the server has ended the connection and the question came before the news (asyncpg's issue 1069).
_BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_NEWER = "SELECT seq, kind, subject, expires_at FROM revocations WHERE seq > $1 ORDER BY seq LIMIT $2"
_POSITION = text("SELECT max(seq), pg_notify(:channel, '') FROM revocations")
_NOTIFY = text("SELECT pg_notify(:channel, :said)")
_LISTENING = """
    SELECT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'ostiary feed %'
"""


class PostgresFollower:
    """Is told by LISTEN/NOTIFY. While that connection is down, or silent for too long, the worker is not current.

    Who has seen an entry says so on a second channel, so that a log-out is answered only when no worker accepts the
    token any more. name: an id for this worker's connection. timeout: seconds to wait for a connection.
    """

    def __init__(self, database: Database, apply: Apply, name: str, timeout: float) -> None:
        self._database = database
        self._address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._apply = apply
        self._name = APPLICATION + name
        self._timeout = timeout
        self._position = 0
        self._told = 0
        self._read_up_to = 0
        self._confirmed = float("-inf")
        self._wake = asyncio.Event()
        self._listeners = Listeners(PATIENCE)
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    def is_current(self) -> bool:
        """Return whether the connection has answered lately, and has said nothing that is not read yet."""
        return self._told == self._read_up_to and loop_time() - self._confirmed < PATIENCE

    async def start(self) -> None:
        """Begin to listen; return after the first try, whether it has succeeded or not."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())
        await self._tried.wait()

    async def stop(self) -> None:
        """Close the connection, and let nobody wait for this worker."""
        if self._task is None:
            return
        was_current = self.is_current()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if was_current:
            with contextlib.suppress(Problem):  # the others wait for a moment instead
                await self._database.write(self._say_goodbye)

    async def _say_goodbye(self, session: AsyncSession) -> None:
        await session.execute(_NOTIFY, {"channel": ACKNOWLEDGED, "said": f"{GONE} {self._name}"})

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except _BROKEN as error:
                log.warning(
                    "revocations are not pushed at the moment; asking the database for each request",
                    cause=f"{type(error).__name__}: {str(error)[:300]}",
                )
            except Exception:  # whatever it is: a worker that followed no more would stay slow until its restart
                log.exception("revocations are not pushed at the moment, for a fault; it is tried again")
            finally:
                self._confirmed = float("-inf")
                self._listeners.left(self._name)  # knows it at once: nobody here has to wait for it
                self._tried.set()
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._address,
            timeout=self._timeout,
            command_timeout=PATIENCE,
            server_settings={"application_name": self._name},
        )
        try:
            await connection.add_listener(CHANNEL, self._notified)
            await connection.add_listener(ACKNOWLEDGED, self._acknowledged)
            await self._read(connection)
            await self._acknowledge(connection)  # also what it knew before: from now on it is to be waited for
            while True:
                self._tried.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), HEARTBEAT)
                self._wake.clear()
                if await self._read(connection):
                    await self._acknowledge(connection)
                else:
                    self._listeners.listed([name for (name,) in await connection.fetch(_LISTENING)], loop_time())
        finally:
            with contextlib.suppress(*_BROKEN):
                await connection.close(timeout=1)

    async def _read(self, connection: Any) -> bool:
        """Read on; return whether there was anything."""
        asked, told, before = loop_time(), self._told, self._position
        while rows := await connection.fetch(_NEWER, self._position, AT_ONCE):
            self._apply([tuple(row) for row in rows])
            self._position = rows[-1]["seq"]
        self._confirmed = asked
        self._read_up_to = told
        return self._position != before

    async def _acknowledge(self, connection: Any) -> None:
        await connection.execute("SELECT pg_notify($1, $2)", ACKNOWLEDGED, f"{self._position} {self._name}")

    async def announce(self, session: AsyncSession) -> int:
        """Notify the channel when the transaction is committed."""
        position: int = await session.scalar(_POSITION, {"channel": CHANNEL})
        return position

    def _notified(self, *_: object) -> None:
        self._told += 1
        self._wake.set()

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
        an answer from the database it has begun to ask it for each request.
        """
        deadline = loop_time() + PATIENCE
        while True:
            self._heard.clear()
            await self._list()
            until = self._listeners.wait_until(position)
            if until is None:
                return
            if loop_time() >= deadline:
                log.warning("some workers did not say that they know a revocation")
                return
            with contextlib.suppress(TimeoutError):
                now = loop_time()
                await asyncio.wait_for(self._heard.wait(), min(until, deadline, now + LIST_AGAIN) - now)

    async def _list(self) -> None:
        async with self._database.read() as session:
            self._listeners.listed(list(await session.scalars(text(_LISTENING))), loop_time())
