"""`python -m benchmarks.seed`: fill a migrated database with users, sessions and revocations, in bulk.

Each user has the same password hash; sessions, each with a refresh token, are dealt out among the users made in the
same call; revocations are of sessions that nobody has and stay in force for an hour.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
from argon2 import PasswordHasher
from sqlalchemy import create_engine, insert
from sqlalchemy.engine import URL, make_url

from ostiary.core.clock import SystemClock
from ostiary.core.randomness import SystemRandomness
from ostiary.core.sealing import digest
from ostiary.features.accounts.models import UserRow
from ostiary.features.revocation.models import RevocationRow
from ostiary.features.sessions.models import RefreshTokenRow, SessionRow
from ostiary.persistence.base import Base, table_of

BATCH = 10_000
KEEP_SECONDS = 3600
SESSION = timedelta(days=30)
PASSWORD = "seldom-used-Passphrase-kestrel"

Row = dict[str, Any]


@dataclass(frozen=True)
class Amounts:
    """How many rows of each kind. Sessions need users to belong to."""

    users: int
    sessions: int
    revocations: int


def _batches(count: int, make: Callable[[int], Row]) -> Iterator[list[Row]]:
    for first in range(0, count, BATCH):
        yield [make(number) for number in range(first, min(first + BATCH, count))]


def _tables(amounts: Amounts) -> Iterator[tuple[type[Base], int, Iterator[list[Row]]]]:
    """Give each table with the number of its rows and the rows in batches, parents first."""
    now = SystemClock().now()
    randomness = SystemRandomness()
    users = [randomness.new_id() for _ in range(amounts.users)]
    sessions = [randomness.new_id() for _ in range(amounts.sessions)]
    password_hash = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1).hash(PASSWORD)
    times = {"created_at": now, "expires_at": now + SESSION}

    def user(number: int) -> Row:
        name = f"seeded-{users[number]}"
        shown = {"username": name, "username_key": name, "password_hash": password_hash, "created_at": now}
        return {"id": users[number], **shown}

    def session(number: int) -> Row:
        owner = users[number % len(users)]
        told = {"ip": "127.0.0.1", "user_agent": "benchmarks.seed", "auth_time": now}
        return {"id": sessions[number], "user_id": owner, **told, **times}

    def refresh_token(number: int) -> Row:
        return {"digest": digest(sessions[number]), "session_id": sessions[number], **times}

    def revocation(_number: int) -> Row:
        expires_at = int(now.timestamp()) + KEEP_SECONDS
        return {"kind": "session", "subject": randomness.new_id(), "expires_at": expires_at}

    yield UserRow, amounts.users, _batches(amounts.users, user)
    yield SessionRow, amounts.sessions, _batches(amounts.sessions, session)
    yield RefreshTokenRow, amounts.sessions, _batches(amounts.sessions, refresh_token)
    yield RevocationRow, amounts.revocations, _batches(amounts.revocations, revocation)


def _tell(table: str, done: int, count: int) -> None:
    print(f"\r{table}: {done:,} of {count:,}", end="\n" if done == count else "", file=sys.stderr, flush=True)


def _fill_sqlite(url: URL, amounts: Amounts) -> None:
    engine = create_engine(url.set(drivername="sqlite"))
    for model, count, batches in _tables(amounts):
        done = 0
        for batch in batches:
            with engine.begin() as connection:
                connection.execute(insert(table_of(model)), batch)
            done += len(batch)
            _tell(model.__tablename__, done, count)
    engine.dispose()


async def _fill_postgres(url: URL, amounts: Amounts) -> None:
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        for model, count, batches in _tables(amounts):
            done = 0
            for batch in batches:
                records = [tuple(row.values()) for row in batch]
                await connection.copy_records_to_table(model.__tablename__, records=records, columns=list(batch[0]))
                done += len(batch)
                _tell(model.__tablename__, done, count)
    finally:
        await connection.close()


def fill(database_url: str, amounts: Amounts) -> None:
    """Insert the rows; the schema is there already. Raises ValueError for sessions without users."""
    if amounts.sessions and not amounts.users:
        raise ValueError("sessions need users to belong to")
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        _fill_sqlite(url, amounts)
    else:
        asyncio.run(_fill_postgres(url, amounts))


def main() -> None:
    """Fill the database that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed", description=__doc__)
    for kind in ("users", "sessions", "revocations"):
        parser.add_argument(f"--{kind}", type=int, default=0, metavar="N")
    parser.add_argument("--database-url", required=True, metavar="URL", help="as in OSTIARY_DATABASE_URL")
    told = parser.parse_args()
    fill(told.database_url, Amounts(told.users, told.sessions, told.revocations))


if __name__ == "__main__":
    main()
