"""The address of a PostgreSQL database. All connections to the database are opened here."""

from typing import Any

import asyncpg

from ostiary.core.addresses import in_url
from ostiary.persistence.postgres_url import parse

_NEXT_HOST = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
"""Errors after which the next host is tried: this one is unreachable, starting, stopping, or a standby."""


class PostgresAddress:
    """Opens connections to the database at `url`, for the pool, the migrations and the revocation feed alike.

    With several hosts, it begins with the last one that answered. So a host that drops packets costs its share of the
    time only once. timeout: seconds for a connection and for an answer if the URL has no limit. Raises BadUrl.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = parse(url)
        self._timeout = self._url.connect_seconds or timeout
        self._answers_within = self._url.command_seconds or timeout
        self._at = 0
        self.dialect = self._url.dialect
        """Arguments for SQLAlchemy's dialect."""
        self.database = str(self._url.arguments.get("database", ""))
        """The database's name; if empty, it is the user's name."""

    def __str__(self) -> str:
        hosts = ",".join(host if host.startswith("/") else f"{in_url(host)}:{port}" for host, port in self._url.hosts)
        return f"{self.database or 'the default database'} at {hosts or 'the default address'}"

    async def connect(self, *, application_name: str = "", command_timeout: float | None = 0, **more: Any) -> Any:
        """Return a connection of asyncpg.

        application_name: replaces the one in the URL. command_timeout: maximum seconds for each answer; 0: the limit of
        this address; None: no limit. more: further arguments of asyncpg.connect.
        Raises OSError and the exceptions of asyncpg.
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
            except BaseException as error:  # the caller's own time limit also counts against this host
                if self._at == at:
                    self._at = (at + 1) % len(hosts)
                if not left or not isinstance(error, _NEXT_HOST):
                    raise
        raise AssertionError
