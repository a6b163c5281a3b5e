"""What ASGI asks of an application besides answering requests."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.server.asgi import AsgiApp
from tests.support.asgi import call, lifespan
from tests.support.server_app import MAX_BODY, make_app


def test_start_is_awaited_before_and_stop_after_all_requests_on_the_same_loop() -> None:
    happened: list[tuple[str, asyncio.AbstractEventLoop]] = []

    async def start() -> None:
        happened.append(("start", asyncio.get_running_loop()))

    async def stop() -> None:
        happened.append(("stop", asyncio.get_running_loop()))

    async def run() -> asyncio.AbstractEventLoop:
        app = AsgiApp(make_app(), max_body=MAX_BODY, start=start, stop=stop)
        async with lifespan(app):
            assert [what for what, _ in happened] == ["start"]
            assert await call(app, "/sleep/0.0")
        return asyncio.get_running_loop()

    loop = asyncio.run(run())
    assert happened == [("start", loop), ("stop", loop)]


def test_start_and_stop_may_be_left_out() -> None:
    async def run() -> None:
        async with lifespan(AsgiApp(make_app(), max_body=MAX_BODY)):
            pass

    asyncio.run(run())


def test_a_start_that_fails_is_told_to_the_server() -> None:
    async def start() -> None:
        raise ValueError("no keys")

    async def run() -> None:
        async with lifespan(AsgiApp(make_app(), max_body=MAX_BODY, start=start)):
            pytest.fail("started")

    with pytest.raises(RuntimeError, match="no keys"):
        asyncio.run(run())


def test_a_web_socket_is_closed() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    asyncio.run(AsgiApp(make_app(), max_body=MAX_BODY)({"type": "websocket"}, receive, send))

    assert sent == [{"type": "websocket.close"}]


def test_middleware_may_write_as_pep_3333_allows() -> None:
    def application(_environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        write = start("201 Made", [("X-Made", "yes")])
        write(b"written, ")
        return [b"returned"]

    flask = make_app()
    flask.wsgi_app = application  # type: ignore[method-assign]
    answer = asyncio.run(call(AsgiApp(flask, max_body=MAX_BODY), "/"))

    assert answer is not None
    assert (answer.status, answer.headers, answer.body) == (201, {"x-made": "yes"}, b"written, returned")


def test_the_views_know_the_same_limit_as_the_server() -> None:
    app = AsgiApp(make_app(), max_body=10)

    for size, status in ((10, 200), (11, 413)):
        headers = {"Content-Length": str(size)}
        answer = asyncio.run(call(app, "/size", "POST", headers=headers, chunks=[b"x" * size]))
        assert answer is not None
        assert answer.status == status
