"""Connections through poolers such as PgBouncer, and a check of which poolers work.

A pooler in transaction mode (PgBouncer's `pool_mode = transaction`) assigns a server connection for each transaction.
LISTEN, settings and prepared statements do not outlive the transaction. So everything that needs a session uses
OSTIARY_DATABASE_LISTEN_URL, and every other transaction sets what it needs.
"""

import asyncio
from typing import Any

import asyncpg

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.core.randomness import Randomness, SystemRandomness
from ostiary.persistence.fitness import UnfitDatabase
from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.persistence.postgres_session import FreshStatements, fitting

TRIES = 5
HEARD_WITHIN = 1.0
"""Seconds to wait for each notification that is sent."""
_LOST = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""A statement was prepared on another server connection than the one that executes it."""
_FAILED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_RANDOMNESS = SystemRandomness()


class TransactionStatements(FreshStatements):
    """A connection through a pooler in transaction mode.

    Its prepared statements do not outlive their execution, and each transaction begins with the settings it needs.
    """

    settings = ""
    """The statement that sets them, for one transaction."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Execute a statement. BEGIN also sends the settings, in the same round trip."""
        if not args and query.startswith("BEGIN"):
            query = f"{query} SET TRANSACTION ISOLATION LEVEL READ COMMITTED, NOT DEFERRABLE; {self.settings}"
        return str(await super().execute(query, *args, timeout=timeout))

    async def set_type_codec(self, *args: Any, **kwargs: Any) -> None:
        """Look up the type in one transaction, so that all queries use the same server connection."""
        async with self.transaction():
            await super().set_type_codec(*args, **kwargs)


DIALECT = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}
"""Arguments for SQLAlchemy's dialect. They select the unnamed statement, which the next one replaces."""


async def connect_through(address: PostgresAddress, *, statement: float, lock: float) -> Any:
    """Return a connection through such a pooler. statement, lock: as for `fit`."""
    connection = await address.connect(connection_class=TransactionStatements, statement_cache_size=0)
    connection.settings = fitting(statement=statement, lock=lock, is_local=True)
    return connection


async def check_notifications(url: str, listen_url: str, timeout: float, randomness: Randomness = _RANDOMNESS) -> None:
    """Check that notifications sent at `url` arrive at `listen_url`, or at `url` if `listen_url` is empty.

    timeout: seconds to wait for a connection. Raises UnfitDatabase with the remedy if they do not arrive, and the
    problem `database_unavailable`.
    """
    address = PostgresAddress(url, timeout)
    channel = f"ostiary_probe_{randomness.new_id().replace('-', '_')}"
    try:
        listener = await (PostgresAddress(listen_url, timeout) if listen_url else address).connect()
        try:
            is_heard = await _is_heard(listener, address, channel)
        finally:
            await listener.close(timeout=1)
    except asyncpg.ReadOnlySQLTransactionError:
        return  # a standby, which `check_postgres` reports
    except _LOST:
        is_heard = False
    except _FAILED as error:
        raise DATABASE_UNAVAILABLE() from error
    if is_heard:
        return
    if listen_url:
        raise UnfitDatabase(
            "notifications sent through OSTIARY_DATABASE_URL do not arrive at OSTIARY_DATABASE_LISTEN_URL: both must "
            "lead to the same database, the second one without a pooler in transaction mode"
        )
    raise UnfitDatabase(
        "OSTIARY_DATABASE_URL leads to a pooler in transaction mode, which does not deliver notifications: set the "
        "pooler to session mode, or set OSTIARY_DATABASE_LISTEN_URL to the database's own address"
    )


async def _is_heard(listener: Any, address: PostgresAddress, channel: str) -> bool:
    heard = asyncio.Event()
    await listener.add_listener(channel, lambda *_: heard.set())
    for _ in range(TRIES):
        # From another connection: even in transaction mode, a connection receives its own notifications.
        other = await address.connect()
        try:
            await other.execute(f"NOTIFY {channel}")
        finally:
            await other.close(timeout=1)
        try:
            async with asyncio.timeout(HEARD_WITHIN):
                await heard.wait()
        except TimeoutError:
            continue
        return True
    return False
