"""Settings that every connection to PostgreSQL needs, regardless of the defaults of the database and the role."""

from typing import Any

import asyncpg

IDLE_IN_TRANSACTION_SECONDS = 60.0
"""Longest pause inside a transaction. After it, a worker that hangs loses its locks."""

# One round trip. This is a statement because poolers such as PgBouncer refuse settings among the connection parameters.
# Settings that the server does not know are left out. `synchronous_commit` is changed only from `off`, which would lose
# acknowledged commits; stronger values stay. `default_transaction_read_only` stays, because operators and hosting
# services use it to forbid writes.
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

    statement: maximum seconds of a statement; 0: no limit. lock: maximum seconds to wait for a lock. is_local: set for
    the transaction only, not for the session.
    """
    idle = max(IDLE_IN_TRANSACTION_SECONDS, 2 * statement)
    milliseconds = {
        name: round(1000 * value) for name, value in (("statement", statement), ("lock", lock), ("idle", idle))
    }
    return _FIT.format(**milliseconds, is_local=str(is_local).lower())


async def fit(connection: Any, *, statement: float, lock: float) -> None:
    """Set what every connection needs for the whole session (see `fitting`)."""
    await connection.execute(fitting(statement=statement, lock=lock, is_local=False))


STALE = (
    asyncpg.InvalidCachedStatementError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.OutdatedSchemaCacheError,
    asyncpg.InternalServerError,  # "cache lookup failed", "could not open relation": the relation was replaced
)
"""The schema or a setting has changed since the statement was prepared, or the server has dropped the statement."""


class Generation:
    """A counter that increases when a statement of any connection is stale: those of other connections may be, too."""

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

        Inside a transaction, a stale statement raises, because PostgreSQL has aborted the transaction; the unit of work
        is then run again. Outside a transaction, the statement is prepared and executed again.
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
    """A connection that prepares statements again after a change of the schema; a `connection_class` of asyncpg."""

    generation: Generation

    async def prepare(self, query: str, *, name: str | None = None, **options: Any) -> Any:
        """Prepare a statement for any number of executions."""
        return _Statement(self, query, name, await super().prepare(query, name=name, **options))

    async def prepare_anew(self, query: str, name: str | None) -> Any:
        """Prepare it once more."""
        return await super().prepare(query, name=name)


def is_stale(error: BaseException | None) -> bool:
    """Return whether `error`, as SQLAlchemy raises it, was caused by a stale statement."""
    while error is not None:
        if isinstance(error, STALE):
            return True
        error = error.__cause__
    return False
