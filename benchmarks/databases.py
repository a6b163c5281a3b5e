"""A PostgreSQL database for one run."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.engine import make_url

VARIABLE = "OSTIARY_TEST_POSTGRES_URL"


def has_postgres() -> bool:
    """Return whether a PostgreSQL server is named for measuring."""
    return bool(os.environ.get(VARIABLE))


@contextmanager
def postgres_database(suffix: str = "") -> Iterator[str]:
    """Make a database on the server that OSTIARY_TEST_POSTGRES_URL names, give its URL, drop it in the end.

    suffix: of its name, where one process has several.
    """
    server = make_url(os.environ[VARIABLE])
    name = f"ostiary_bench_{os.getpid()}{suffix}"
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    asyncio.run(_execute(address, f'CREATE DATABASE "{name}"'))
    try:
        yield server.set(drivername="postgresql+asyncpg", database=name).render_as_string(hide_password=False)
    finally:
        asyncio.run(_execute(address, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
