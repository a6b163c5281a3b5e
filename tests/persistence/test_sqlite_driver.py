"""One hand-off for a statement, and no transaction left open whoever gives up waiting."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from ostiary.persistence.sqlite_driver import OneTripConnection


def run(file: Path, scenario: Callable[[OneTripConnection], Awaitable[None]]) -> None:
    async def within() -> None:
        async with OneTripConnection(
            partial(sqlite3.connect, file, isolation_level=None, check_same_thread=False), 64
        ) as connection:
            await scenario(connection)

    asyncio.run(within())


def test_a_cursor_holds_what_its_statement_has_left(tmp_path: Path) -> None:
    async def scenario(connection: OneTripConnection) -> None:
        async with connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"):
            pass
        cursor = connection.cursor()
        await cursor.executemany("INSERT INTO notes (text) VALUES (?)", [("a",), ("b",)])
        assert (cursor.rowcount, cursor.description, await cursor.fetchall()) == (2, None, [])
        await cursor.execute("UPDATE notes SET text = 'c' WHERE id = ? RETURNING text", (1,))
        assert (cursor.rowcount, cursor.description[0][0], await cursor.fetchall()) == (1, "text", [("c",)])
        await cursor.execute("INSERT INTO notes (text) VALUES ('d')")
        assert cursor.lastrowid == 3

    run(tmp_path / "one.db", scenario)


def test_a_rollback_ends_the_transaction_that_a_cancelled_caller_has_only_queued(tmp_path: Path) -> None:
    async def scenario(connection: OneTripConnection) -> None:
        may_go_on = threading.Event()
        connection._tx.put_nowait((None, may_go_on.wait))
        beginning = asyncio.ensure_future(connection.cursor().execute("BEGIN IMMEDIATE"))
        await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.wait([beginning])
        assert not connection.in_transaction

        rolled_back = asyncio.ensure_future(connection.rollback())
        await asyncio.sleep(0)
        may_go_on.set()
        await rolled_back

        assert not connection.in_transaction

    run(tmp_path / "one.db", scenario)
