"""Idempotency keys with real server processes: requests at once, and processes killed amid them."""

import asyncio
import contextlib
import signal
import threading
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from ostiary.core.clock import SystemClock
from ostiary.features.accounts.models import UserRow
from ostiary.features.examples import administrator as example
from ostiary.features.idempotency.models import IdempotencyKeyRow
from ostiary.features.idempotency.service import CLAIM_SECONDS
from tests.conftest import App, MakeApp, StartServer
from tests.features.test_many_at_once import UNLIMITED, one, together
from tests.support.people import PASSWORD
from tests.support.servers import ServerProcess
from tests.support.waiting import until

pytestmark = pytest.mark.uncounted  # the servers are processes of their own

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def registration(username: str = "ada", key: str = KEY) -> dict[str, Any]:
    body = {"username": username, "password": PASSWORD}
    return {"json": body, "headers": {"Idempotency-Key": f'"{key}"'}}


def count(app: App, criterion: Any) -> int:
    async def ask() -> int:
        async with app.services.database.read() as session:
            return await session.scalar(select(func.count()).where(criterion)) or 0

    return app.run(ask)


def users(app: App) -> int:
    """Those who have registered: a server of the development profile makes one by itself."""
    return count(app, UserRow.username != example.USERNAME)


def answers_kept(app: App) -> int:
    return count(app, IdempotencyKeyRow.sealed_answer.is_not(None))


def under_way(app: App) -> int:
    return count(app, IdempotencyKeyRow.sealed_answer.is_(None))


@pytest.fixture
def app(make_app: MakeApp, database_url: str) -> App:
    """An application in this process beside the servers, on the same database, whose clock can be moved."""
    found = make_app(database_url)
    set_clock(found, 0)
    return found


def set_clock(app: App, ahead: int) -> None:
    """Let the clock of `app` be so many seconds ahead of the servers'."""
    app.clock.move(SystemClock().timestamp() + ahead - app.clock.timestamp())


def test_32_requests_at_once_under_one_key_make_one_user(start_server: StartServer, app: App) -> None:
    server = start_server(app.settings.database_url, workers=2)
    answers = together(server, *[("POST", "/register", registration())] * 32)
    assert {answer.status_code for answer in answers} <= {201, 409}, server.output
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_use"}
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 409)
    first = [answer for answer in answers if answer.is_success and "Idempotent-Replayed" not in answer.headers]
    assert len(first) == 1
    later = together(server, *[("POST", "/register", registration())] * 8)
    assert {answer.status_code for answer in later} == {201}
    assert len({answer.content for answer in [*answers, *later] if answer.is_success}) == 1
    assert (users(app), answers_kept(app)) == (1, 1)


def test_who_waits_as_told_gets_the_answer(start_server: StartServer, app: App) -> None:
    """32 clients, each of which tries again when it is told that the first request is under way."""
    server = start_server(app.settings.database_url, workers=2)

    async def insist(client: httpx.AsyncClient) -> httpx.Response:
        while True:
            answer = await client.post("/register", **registration())
            if answer.status_code != 409:
                return answer
            await asyncio.sleep(0.05)

    async def all_of_them() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            return await asyncio.gather(*[insist(client) for _ in range(32)])

    answers = asyncio.run(all_of_them())
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert users(app) == 1


def test_an_answer_outlives_a_killed_server(start_server: StartServer, app: App) -> None:
    server = start_server(app.settings.database_url, workers=2)
    first = one(server, "POST", "/register", **registration())
    server.stop(signal.SIGKILL)
    again = app.client.post("/register", **registration())
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.content)
    assert users(app) == 1


def test_a_server_killed_amid_the_work_leaves_a_claim_that_lapses(start_server: StartServer, app: App) -> None:
    # A hash that takes far longer than it takes to kill the server; without the example administrator's.
    costs = {"argon2_memory_kib": 65_536, "argon2_time_cost": 24}
    server = start_server(app.settings.database_url, trusted_proxies="192.0.2.1", **costs)
    asking = ask_in_a_thread(server)
    while not under_way(app):
        time.sleep(0.01)
    server.kill()
    asking.join()
    refused = app.client.post("/register", **registration())
    assert (refused.status_code, refused.json["code"]) == (409, "idempotency_key_in_use")
    assert users(app) == 0
    set_clock(app, CLAIM_SECONDS)
    assert app.client.post("/register", **registration()).status_code == 201
    assert users(app) == 1


def test_keys_of_clients_that_went_away_are_free_at_once(start_server: StartServer, app: App) -> None:
    """Clients that close the connection at any moment, amid others who wait for their answers."""
    server = start_server(app.settings.database_url, workers=2)

    async def impatient() -> None:
        async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=UNLIMITED) as client:

            async def ask(number: int) -> None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.003 * number if number % 2 else None):
                        await client.post("/register", **registration(f"user-{number}", key=f"key-{number}"))

            await asyncio.gather(*(ask(number) for number in range(80)))

    asyncio.run(impatient())
    until(lambda: not under_way(app))
    repeated = [("POST", "/register", registration(f"user-{number}", key=f"key-{number}")) for number in range(80)]
    answers = together(server, *repeated)
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert users(app) == 80


def ask_in_a_thread(server: ServerProcess) -> threading.Thread:
    def ask() -> None:
        with pytest.raises(httpx.TransportError):
            one(server, "POST", "/register", **registration())

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_a_user_is_made_together_with_the_answer_or_not_at_all(start_server: StartServer, app: App) -> None:
    """Kill the server amid many requests; whatever became of each, repeating it ends well, and nothing is twice."""
    for turn in range(3):
        names = [f"user-{turn}-{number}" for number in range(60)]
        server = start_server(app.settings.database_url, workers=2)
        answers = asyncio.run(register_and_kill(server, names, after=0.05 * (turn + 1)))
        server.stop(signal.SIGKILL)
        assert users(app) == answers_kept(app)
        set_clock(app, CLAIM_SECONDS)
        for name, answer in zip(names, answers, strict=True):
            again = app.client.post("/register", **registration(name, key=name))
            assert again.status_code == 201, again.text
            if isinstance(answer, httpx.Response):
                assert (answer.status_code, answer.content) == (201, again.data)
        assert users(app) == answers_kept(app) == 60 * (turn + 1)


async def register_and_kill(
    server: ServerProcess, names: list[str], after: float
) -> list[httpx.Response | BaseException]:
    """What each registration has got by the time the server was killed, `after` seconds from now."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        calls = [client.post("/register", **registration(name, key=name)) for name in names]
        killing = asyncio.get_running_loop().call_later(after, server.kill)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        killing.cancel()
        return answers
