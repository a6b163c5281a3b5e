"""Open connections to PostgreSQL, and close all of them at once."""

import asyncio
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.persistence.postgres_pooling import DIALECT, connect_through
from ostiary.persistence.postgres_session import FreshStatements, Generation, fit
from ostiary.persistence.silence import Silence

LOCK_SECONDS = 5.0
"""Longest wait for a lock, capped by OSTIARY_DATABASE_TIMEOUT. It is far below the time limit of a statement, so that
writers that wait for a locked table do not hold their connections for long."""
NEUTRAL_URL = "postgresql+asyncpg://"
"""The URL for SQLAlchemy. It names only the driver; everything else is in the PostgresAddress."""
READ_ONLY = "25006"
"""SQLSTATE of a write to a read-only database: a standby, after a failover, or while the disk is full."""
CHANGED_STATES = ("42501", "42P01", "42703")
"""SQLSTATEs of a missing privilege, table or column, or a changed search_path. Our own statements are tested, so these
errors come from the database."""


class PostgresConnections:
    """The connections of one pool. timeout: seconds to wait for a connection or an answer.

    by_transaction: the address belongs to a pooler in transaction mode.
    """

    def __init__(
        self, address: PostgresAddress, timeout: float, pool_size: int, *, by_transaction: bool = False
    ) -> None:
        self._address = address
        self._by_transaction = by_transaction
        self._timeout = timeout
        self._generation = Generation()
        self._open: set[Any] = set()
        self._opening: set[asyncio.Timeout] = set()
        self.silence = Silence(self._probe, self._cut)
        self.engine: AsyncEngine = create_async_engine(
            NEUTRAL_URL,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=timeout,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={**(DIALECT if by_transaction else address.dialect), "async_creator_fn": self._connect},
        )
        event.listen(self.engine.sync_engine, "handle_error", _leave)

    async def _connect(self, **_: Any) -> Any:
        if self.silence.is_silent:
            raise TimeoutError("the database does not answer")
        async with asyncio.timeout(None) as limit:
            self._opening.add(limit)
            try:
                connection = await self._connected()
            finally:
                self._opening.discard(limit)
        self._open = {one for one in self._open if not one.is_closed()} | {connection}
        connection.generation = self._generation
        if not self._by_transaction:
            await fit(connection, statement=self._timeout, lock=min(LOCK_SECONDS, self._timeout))
        return connection

    async def _connected(self) -> Any:
        if self._by_transaction:
            return await connect_through(self._address, statement=self._timeout, lock=min(LOCK_SECONDS, self._timeout))
        return await self._address.connect(connection_class=FreshStatements)

    async def _probe(self) -> None:
        connection = await self._address.connect()
        await connection.close(timeout=1)

    def _cut(self) -> None:
        for connection in self._open:
            connection.terminate()
        self._open = set()
        now = asyncio.get_running_loop().time()
        for limit in self._opening:
            limit.reschedule(now)


def _leave(context: ExceptionContext) -> None:
    """Drop all connections after an error that a new connection may not have.

    A new connection may reach the new primary, or find the database writable again or the search_path corrected. An
    open connection keeps the defaults that it began with.
    """
    if getattr(context.original_exception, "sqlstate", None) in (READ_ONLY, *CHANGED_STATES):
        context.is_disconnect = True
