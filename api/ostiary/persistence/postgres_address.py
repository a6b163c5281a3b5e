"""Where a PostgreSQL database is: the one place that opens connections to it."""

from typing import Any

import asyncpg

from ostiary.core.addresses import in_url
from ostiary.persistence.postgres_url import parse

_NEXT_HOST = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
"""After these another host may be right: this one is away, starts or stops, or is a standby."""


class PostgresAddress:
    """Opens connections to the database at `url`, for the pool, the migrations and the revocation feed alike.

    Of several hosts it begins with the one that answered last, so that one which swallows packets costs its share of
    the time once. timeout: seconds that a connection, and an answer, may take where the URL says nothing.
    Raises BadUrl.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = parse(url)
        self._timeout = self._url.connect_seconds or timeout
        self._answers_within = self._url.command_seconds or timeout
        self._at = 0
        self.dialect = self._url.dialect
        """Arguments for SQLAlchemy's dialect."""
        self.database = str(self._url.arguments.get("database", ""))
        """The database's name; empty: as the user's."""

    def __str__(self) -> str:
        hosts = ",".join(host if host.startswith("/") else f"{in_url(host)}:{port}" for host, port in self._url.hosts)
        return f"{self.database or 'the default database'} at {hosts or 'the default address'}"

    async def connect(self, *, application_name: str = "", command_timeout: float | None = 0, **more: Any) -> Any:
        """Return a connection of asyncpg.

        application_name: in place of the URL's. command_timeout: seconds that each answer may take; 0: as many as the
        address says, None: any number. more: further arguments of asyncpg.connect.
        Raises OSError and what asyncpg raises.
        """
        arguments: dict[str, Any] = {**self._url.arguments, **more}
        arguments["command_timeout"] = self._answers_within if command_timeout == 0 else command_timeout
        if application_name:
            settings = arguments.get("server_settings", {})
            arguments["server_settings"] = {**settings, "application_name": application_name}
        hosts = self._url.hosts
        if not hosts:
            return await asyncpg.connect(timeout=self._timeout, **arguments)
        for left in reversed(range(len(hosts))):
            at = self._at
            host, port = hosts[at]
            try:
                return await asyncpg.connect(host=host, port=port, timeout=self._timeout / len(hosts), **arguments)
            except BaseException as error:  # a caller's own time limit, too, ends the wait for this host
                if self._at == at:
                    self._at = (at + 1) % len(hosts)
                if not left or not isinstance(error, _NEXT_HOST):
                    raise
        raise AssertionError
