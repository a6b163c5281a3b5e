"""Requests leave nothing behind."""

import asyncio
import gc
import itertools
import json
import logging
import threading
from typing import Any

import pytest

from ostiary.persistence.database import Database
from ostiary.server.asgi import AsgiApp
from tests.server.conftest import Start
from tests.support.asgi import call, lifespan
from tests.support.raw_http import connect, converse, fetch, get, request
from tests.support.server_app import MAX_BODY, live_greenlets, make_app
from tests.support.waiting import until

pytestmark = pytest.mark.uncounted  # the same code again, 20,000 times

ROUNDS = 50
QUICK, SLOW, FAILING, QUERYING, LEAVING = 300, 20, 40, 20, 20
"""Requests of each kind in one round, all in flight together: 20,000 altogether."""


def _counts(database: Database) -> tuple[int, int, int, int]:
    pool: Any = database.engine.pool
    return live_greenlets(), len(asyncio.all_tasks()), pool.checkedout(), pool.overflow()


async def _round(app: AsgiApp, stays: asyncio.Event) -> None:
    gone = asyncio.Event()
    requests = [
        *(call(app, "/sleep/0.0") for _ in range(QUICK)),
        *(call(app, "/sleep/0.1", gone=stays) for _ in range(SLOW)),  # long enough to be watched
        *(call(app, "/boom") for _ in range(FAILING)),
        *(call(app, "/query") for _ in range(QUERYING)),
        *(call(app, "/hang", gone=gone) for _ in range(LEAVING // 2)),
        *(call(app, "/query?seconds=60", gone=gone) for _ in range(LEAVING // 2)),
    ]
    asyncio.get_running_loop().call_later(0.02, gone.set)  # noticed when the watchers start
    answers = await asyncio.gather(*requests)
    statuses = [answer.status if answer else None for answer in answers]
    assert statuses == [200] * (QUICK + SLOW) + [500] * FAILING + [200] * QUERYING + [None] * LEAVING


def test_after_20000_requests_no_greenlet_no_task_and_no_connection_is_left(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # of the views that fail
    assert ROUNDS * (QUICK + SLOW + FAILING + QUERYING + LEAVING) == 20_000

    async def run() -> None:
        database = Database(sqlite_url, 5, 10.0)
        app = AsgiApp(make_app(database, hooks=False), max_body=MAX_BODY, stop=database.close)
        async with lifespan(app):
            stays = asyncio.Event()
            await _round(app, stays)  # what is opened once and kept is open now
            before = _counts(database)
            for _ in range(ROUNDS):
                await _round(app, stays)
            assert before[2] == 0
            assert _counts(database) == before
        assert app._app.extensions["state"].in_flight == 0

    asyncio.run(run())


def test_nor_is_any_left_in_a_real_process(serve: Start, sqlite_url: str) -> None:
    server = serve("--database", sqlite_url)
    targets = itertools.cycle(["/sleep/0.0", "/boom", "/query", "/steps", "/size"])

    async def many(connections: int, each: int) -> None:
        await asyncio.gather(
            *(
                converse(server.url, [request("GET", next(targets), close=False) for _ in range(each)])
                for _ in range(connections)
            )
        )

    def leave(count: int) -> None:
        connections = [connect(server.url) for _ in range(count)]
        for number, connection in enumerate(connections):
            connection.sendall(request("GET", "/hang" if number % 2 else "/query?seconds=60"))
        until(lambda: state()["in_flight"] >= count // 2)
        for connection in connections:
            connection.close()
        until(lambda: state()["in_flight"] == 0)

    def state() -> dict[str, int]:
        found: dict[str, int] = json.loads(get(server.url, "/state"))
        return {name: found[name] for name in ("in_flight", "greenlets", "tasks", "threads", "files", "checked_out")}

    async def fill_the_pool() -> None:
        # A connection whose query was cancelled may have been closed; this opens all five again.
        await asyncio.gather(*(fetch(server.url, request("GET", "/query?seconds=0.5")) for _ in range(5)))

    def use(requests: int) -> None:
        asyncio.run(many(10, requests // 10))
        leave(20)
        asyncio.run(fill_the_pool())

    use(100)
    before = state()
    use(2000)

    until(lambda: not {name: found for name, found in state().items() if found > before[name]})


def test_an_application_that_is_given_up_leaves_no_loop_and_no_thread() -> None:
    def use() -> None:
        for _ in range(20):
            assert make_app().test_client().get("/variable").status_code == 200

    gc.collect()
    before = threading.active_count()
    use()
    gc.collect()

    until(lambda: threading.active_count() <= before)
