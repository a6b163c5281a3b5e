"""The database that a command works on, and the message for an operator when it cannot be reached."""

import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from ostiary import settings as settings_module
from ostiary.app import prepare, run
from ostiary.core.problems import Problem
from ostiary.feature import Context
from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.persistence.postgres_url import is_postgres
from ostiary.settings import BadSettings, Settings

T = TypeVar("T")


def name(settings: Settings) -> str:
    """Return the name by which an operator knows the database, without the password."""
    url = settings.effective_database_url
    if is_postgres(url):
        return str(PostgresAddress(url, settings.database_timeout))
    return str(Path(make_url(url).database or "").absolute())


class CommandLine:
    """Runs the work of a command with services that use the server's database."""

    def __init__(self) -> None:
        self._settings: Settings | None = None

    def open(self) -> Settings:
        """Return complete settings; the first call names the database on standard error.

        Creates nothing. Raises NoDatabase if there is no database, and everything that `prepare` raises.
        """
        if self._settings is None:
            self._settings = prepare(settings_module.read(), creates=False)
            click.echo(f"Using the database {name(self._settings)}", err=True)
        return self._settings

    def run(self, work: Callable[[Context], Awaitable[T]]) -> T:
        """Run `work` with services of its own and return the result. Raises everything that `open` and `work` raise."""
        result: T = run(self.open(), work)
        return result


def unreachable(problem: Problem) -> str:
    """Return the message for a database that cannot be reached: its name, the reason and the remedy."""
    try:
        settings = settings_module.read()
    except BadSettings:
        shown = "the database"
    else:
        shown = f"the database {name(settings)}"
    reason, remedy = _reason(problem)
    return f"{shown} cannot be used: {reason}; {remedy}"


_URL = "OSTIARY_DATABASE_URL"
_BY_STATE = {
    "28": f"correct the user or the password in {_URL}, or the server's pg_hba.conf",
    "3D": f"create the database, or correct its name in {_URL}",
    "42": "grant the missing privileges to the role, or find out what changed the tables",
    "53": "free some of its connections, memory or disk, or lower OSTIARY_DATABASE_POOL_SIZE",
    "55": "end the process that locks it, then try again",
}
_FILE = f"{_URL} must name a file in a folder that exists and that this user may write to"
_START = f"start it, or correct {_URL}"


def _reason(problem: Problem) -> tuple[str, str]:
    """Return why the database cannot be used, and the remedy."""
    cause: BaseException | None = problem.__cause__
    if isinstance(cause, DBAPIError) and cause.orig is not None:
        cause = cause.orig.__cause__ or cause.orig
    text = " ".join(str(cause).split()) if cause is not None else problem.detail
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {getattr(cause, 'verify_message', '') or cause.reason}", f"correct sslmode, sslrootcert in {_URL}"
    if isinstance(cause, OSError):
        return _of_the_system(cause, text)
    if isinstance(cause, asyncpg.TargetServerAttributeNotMatched):
        return "none of its hosts accepts writes", f"name the primary in {_URL}"
    if state := str(getattr(cause, "sqlstate", None) or ""):
        return text, _BY_STATE.get(state[:2], "see the server's log, then try again")
    return text, _FILE


def _of_the_system(cause: OSError, text: str) -> tuple[str, str]:
    shown = os.strerror(cause.errno) if cause.errno is not None and cause.errno > 0 else text
    if isinstance(cause, TimeoutError):
        return "no answer in time", _START
    if isinstance(cause, socket.gaierror):
        return cause.strerror or text, f"correct the host in {_URL}"
    if isinstance(cause, PermissionError):
        return f"{shown} ({cause.filename})", "let this user write to it, or set OSTIARY_DATA_DIR"
    if cause.filename:
        return f"{shown} ({cause.filename})", _FILE
    if "rejected SSL upgrade" in text:
        return "it has no TLS", f"switch TLS on there, or correct sslmode in {_URL}"
    return shown, _START
