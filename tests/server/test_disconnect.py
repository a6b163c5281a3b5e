"""A client that goes away takes its request with it, but not a write to the database."""

import asyncio
import itertools
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from ostiary.server.asgi import WATCH_AFTER, AsgiApp
from tests.conftest import StartServer
from tests.server.conftest import Start
from tests.support.asgi import call, scope_of
from tests.support.raw_http import connect, get, request
from tests.support.server_app import MAX_BODY, State, make_app
from tests.support.servers import ServerProcess
from tests.support.waiting import until

_names = itertools.count(1)


def _state(url: str) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(get(url, "/state"))
    return state


@pytest.fixture
def app() -> AsgiApp:
    return AsgiApp(make_app(), max_body=MAX_BODY)


def _state_of(app: AsgiApp) -> State:
    state: State = app._app.extensions["state"]
    return state


def test_a_request_whose_client_closes_the_connection_is_cancelled_and_cleans_up(asgi_server: ServerProcess) -> None:
    name = f"closed-{next(_names)}"
    before = _state(asgi_server.url)

    with connect(asgi_server.url) as connection:
        connection.sendall(request("GET", f"/hang?name={name}"))
        until(lambda: _state(asgi_server.url)["in_flight"] > before["in_flight"])

    after = until(lambda: name in (state := _state(asgi_server.url))["cleaned_up"] and state)
    assert name in after["cancelled"]
    assert after["in_flight"] == before["in_flight"]
    until(lambda: _state(asgi_server.url)["tasks"] <= before["tasks"])


def test_many_that_go_away_at_once_do_not_disturb_those_who_stay(asgi_server: ServerProcess) -> None:
    names = {f"many-{next(_names)}" for _ in range(50)}

    async def stay() -> list[int]:
        async with httpx.AsyncClient(base_url=asgi_server.url) as client:
            answers = await asyncio.gather(*(client.get("/sleep/0.5") for _ in range(50)))
        return [answer.status_code for answer in answers]

    async def both() -> list[int]:
        staying = asyncio.create_task(stay())
        connections = [connect(asgi_server.url) for _ in names]
        for connection, name in zip(connections, names, strict=True):
            connection.sendall(request("GET", f"/hang?name={name}"))
        await asyncio.sleep(0.2)
        for connection in connections:
            connection.close()
        return await staying

    assert asyncio.run(both()) == [200] * 50
    until(lambda: names <= set(_state(asgi_server.url)["cleaned_up"]))


def test_a_client_that_goes_away_within_its_body_is_no_request_at_all(asgi_server: ServerProcess) -> None:
    name = f"half-{next(_names)}"

    with connect(asgi_server.url) as connection:
        connection.sendall(request("POST", f"/hang?name={name}", "Content-Length: 1000", body=b"half"))

    with httpx.Client(base_url=asgi_server.url) as client:
        for _ in range(5):
            assert client.get("/sleep/0.01").status_code == 200
        assert name not in client.get("/state").json()["cancelled"]


def test_under_wsgi_the_request_ends_by_itself_and_the_server_goes_on(wsgi_server: ServerProcess) -> None:
    before = _state(wsgi_server.url)["in_flight"]

    with connect(wsgi_server.url) as connection:
        connection.sendall(request("GET", "/sleep/0.3"))
        until(lambda: _state(wsgi_server.url)["in_flight"] > before)

    until(lambda: _state(wsgi_server.url)["in_flight"] == before)


def test_a_cancelled_query_gives_its_connection_back(serve: Start, sqlite_url: str) -> None:
    server = serve("--database", sqlite_url)

    connections = [connect(server.url) for _ in range(5)]
    for connection in connections:
        connection.sendall(request("GET", "/query?seconds=60"))
    until(lambda: _state(server.url)["checked_out"] == 5)
    for connection in connections:
        connection.close()

    until(lambda: _state(server.url)["checked_out"] == 0)
    assert json.loads(get(server.url, "/query")) == {"answer": 42}


def test_a_view_that_goes_on_regardless_may(app: AsgiApp) -> None:
    async def run() -> None:
        gone = asyncio.Event()
        asyncio.get_running_loop().call_later(WATCH_AFTER * 2, gone.set)
        await call(app, "/hang?name=a&stubborn", gone=gone)

    asyncio.run(run())
    assert _state_of(app).cancelled == _state_of(app).cleaned_up == ["a"]


def test_a_request_that_is_over_at_once_is_not_cut_off_by_a_client_in_a_hurry(app: AsgiApp) -> None:
    async def run() -> None:
        gone = asyncio.Event()
        gone.set()
        answer = await call(app, "/sleep/0.0", gone=gone)
        assert answer is not None
        assert answer.body == b"slept"

    asyncio.run(run())


def test_what_still_comes_of_an_unread_body_is_no_disconnect(app: AsgiApp) -> None:
    async def run() -> None:
        headers = {"Content-Length": str(MAX_BODY + 3)}
        answer = await call(app, "/sleep/0.2", headers=headers, chunks=[b"a", b"b", b"c"])
        assert answer is not None
        assert answer.status == 200

    asyncio.run(run())


def test_a_request_that_the_server_cancels_tells_the_server_so(app: AsgiApp) -> None:
    async def run() -> asyncio.Task[None]:
        async def never() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, Any]) -> None:
            pytest.fail(f"answered {message}")

        task: asyncio.Task[None] = asyncio.create_task(app(scope_of("/hang?name=b"), never, send))
        await asyncio.sleep(WATCH_AFTER * 2)
        task.cancel()
        await asyncio.wait([task])
        return task

    assert asyncio.run(run()).cancelled()
    assert _state_of(app).cleaned_up == ["b"]


def test_a_cancelled_request_is_over_for_everybody_but_its_write_is_finished(
    start_server: StartServer, sqlite_url: str
) -> None:
    """Somebody who logs out and closes the window is logged out."""
    server = start_server(sqlite_url)
    user = {"username": "user1", "password": "password123"}
    with httpx.Client(base_url=server.url) as client:
        client.post("/register", json=user)
        bearer = f"Authorization: Bearer {client.post('/login', json=user).json()['access_token']}"
        token = dict([bearer.split(": ")])
        assert client.get("/protected", headers=token).status_code == 200

        file = make_url(sqlite_url).database
        assert file is not None
        other_program = sqlite3.connect(Path(file), isolation_level=None)
        try:
            other_program.execute("BEGIN IMMEDIATE")  # the write has to wait now, until after its client has gone
            with connect(server.url) as connection:
                connection.sendall(request("POST", "/logout", bearer))
                connection.settimeout(WATCH_AFTER * 10)
                with pytest.raises(TimeoutError):
                    connection.recv(1)
            for _ in range(10):  # the server has long seen that the client is gone
                assert client.get("/protected", headers=token).status_code == 200
            other_program.execute("COMMIT")
        finally:
            other_program.close()

        until(lambda: client.get("/protected", headers=token).status_code == 401)
