"""What a connection to PostgreSQL needs, whatever its database or its role has as defaults."""

from typing import Any

import asyncpg

IDLE_IN_TRANSACTION_SECONDS = 60.0
"""Longest pause inside a transaction: a worker that stands still lets go of its locks then."""

# One round trip. A statement, since poolers such as PgBouncer refuse settings among the parameters of a connection;
# a server that does not know a setting yet is asked nothing about it. `synchronous_commit` keeps what is stronger than
# `on`; `off` would lose commits that were acknowledged. `default_transaction_read_only` stays: it is the operator's, or
# the hosting service's, way to say that nothing may be written.
_FIT = """
SELECT set_config(name, value, {is_local}) FROM (VALUES
    ('default_transaction_isolation', 'read committed'),
    ('default_transaction_deferrable', 'off'),
    ('statement_timeout', '{statement}'),
    ('lock_timeout', '{lock}'),
    ('idle_in_transaction_session_timeout', '{idle}'),
    ('idle_session_timeout', '0'),
    ('transaction_timeout', '0'),
    ('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' END)
) AS needed (name, value) WHERE value IS NOT NULL AND current_setting(name, true) IS NOT NULL
"""


def fitting(*, statement: float, lock: float, is_local: bool) -> str:
    """Return the statement that sets what every connection needs.

    statement, lock: seconds that a statement may take (0: any number) and that it may wait for a lock. is_local:
    for the transaction alone, not for the session.
    """
    idle = max(IDLE_IN_TRANSACTION_SECONDS, 2 * statement)
    milliseconds = {
        name: round(1000 * value) for name, value in (("statement", statement), ("lock", lock), ("idle", idle))
    }
    return _FIT.format(**milliseconds, is_local=str(is_local).lower())


async def fit(connection: Any, *, statement: float, lock: float) -> None:
    """Set what every connection of this server needs, as `fitting` says, for the session."""
    await connection.execute(fitting(statement=statement, lock=lock, is_local=False))


STALE = (
    asyncpg.InvalidCachedStatementError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.OutdatedSchemaCacheError,
    asyncpg.InternalServerError,  # "cache lookup failed", "could not open relation": what it was made for is replaced
)
"""The schema, or a setting, has changed since the statement was prepared; or the server has forgotten the statement."""


class Generation:
    """Counts up when a statement of any connection turned out to be stale: the others' may be, too."""

    number = 0


class _Statement:
    """A prepared statement that is prepared again when it may be stale."""

    def __init__(self, connection: "FreshStatements", query: str, name: str | None, prepared: Any) -> None:
        self._connection = connection
        self._query = query
        self._name = name
        self._prepared = prepared
        self._prepared_in = connection.generation.number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prepared, name)

    async def fetch(self, *arguments: Any) -> Any:
        """Execute the statement and return its rows.

        Inside a transaction, which PostgreSQL has given up by then, a stale statement raises: the unit of work is run
        again. Outside, the statement is.
        """
        generation = self._connection.generation
        if self._prepared_in != generation.number:
            await self._prepare()
        try:
            return await self._prepared.fetch(*arguments)
        except STALE:
            generation.number += 1
            if self._connection.is_in_transaction():
                raise
        await self._prepare()
        return await self._prepared.fetch(*arguments)

    async def _prepare(self) -> None:
        self._prepared_in = self._connection.generation.number
        self._prepared = await self._connection.prepare_anew(self._query, self._name)


class FreshStatements(asyncpg.Connection):  # type: ignore[misc]
    """A connection that no change of the schema keeps from answering; what asyncpg calls a `connection_class`."""

    generation: Generation

    async def prepare(self, query: str, *, name: str | None = None, **options: Any) -> Any:
        """Prepare a statement for any number of executions."""
        return _Statement(self, query, name, await super().prepare(query, name=name, **options))

    async def prepare_anew(self, query: str, name: str | None) -> Any:
        """Prepare it once more."""
        return await super().prepare(query, name=name)


def is_stale(error: BaseException | None) -> bool:
    """Return whether `error`, as SQLAlchemy raises it, comes of a stale statement."""
    while error is not None:
        if isinstance(error, STALE):
            return True
        error = error.__cause__
    return False
