"""Everything asynchronous in a process runs on one loop, and requests that wait cost nothing but the waiting."""

import asyncio
import json

import httpx
import pytest

from tests.support.raw_http import fetch, get, request, status_of
from tests.support.servers import ServerProcess
from tests.support.waiting import until

ASYNC_STEPS = [
    "signal",
    "before_request",
    "decorator's coroutine",
    "async decorator",
    "view",
    "view after an await",
    "after_this_request",
    "after_request",
]
SYNC_STEPS = ["sync before_request", "sync decorator"]
STEPS_AFTER = ["teardown_request", "teardown_appcontext"]


async def _many_at_once(url: str, paths: list[str]) -> list[list[tuple[str, int, int]]]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        answers = await asyncio.gather(*(client.get(path) for path in paths))
    return [[tuple(step) for step in answer.json()] for answer in answers]


def _steps_after(server: ServerProcess) -> list[tuple[str, int, int]]:
    def found() -> list[tuple[str, int, int]]:
        steps = json.loads(get(server.url, "/state"))["last_steps"]
        return [tuple(step) for step in steps if step[0] in STEPS_AFTER]

    return until(found)


def test_every_step_of_every_request_runs_on_the_servers_loop_and_thread(asgi_server: ServerProcess) -> None:
    requests = asyncio.run(_many_at_once(asgi_server.url, ["/steps", "/steps?fail"] * 15))

    for steps, expected in zip(requests, [[], ["errorhandler"]] * 15, strict=True):
        assert sorted(name for name, _, _ in steps) == sorted(ASYNC_STEPS + SYNC_STEPS + expected)
    after = _steps_after(asgi_server)
    assert [name for name, _, _ in after] == STEPS_AFTER
    assert len({(loop, thread) for steps in [*requests, after] for _, loop, thread in steps}) == 1


def test_under_wsgi_every_coroutine_of_every_request_runs_on_the_background_loop(wsgi_server: ServerProcess) -> None:
    requests = asyncio.run(_many_at_once(wsgi_server.url, ["/steps", "/steps?fail"] * 15))

    steps = [step for steps in requests for step in steps] + _steps_after(wsgi_server)
    assert {name for name, _, _ in steps} == {*ASYNC_STEPS, *SYNC_STEPS, *STEPS_AFTER, "errorhandler"}
    places = {(loop, thread) for name, loop, thread in steps if name not in SYNC_STEPS}
    assert len(places) == 1
    ((_, loop_thread),) = places
    for name, loop, thread in steps:
        if name in SYNC_STEPS:
            assert loop == 0
            assert thread != loop_thread


def test_500_requests_wait_together_on_one_loop(asgi_server: ServerProcess) -> None:
    async def scenario() -> None:
        sent = request("GET", "/together/500")
        answers = await asyncio.gather(*(fetch(asgi_server.url, sent) for _ in range(500)))
        assert [status_of(answer) for answer in answers] == [200] * 500

    asyncio.run(scenario())


def test_a_coroutine_that_waits_for_its_own_loop_gets_an_error_instead(client: httpx.Client) -> None:
    answer = client.get("/waits-for-itself")

    assert answer.status_code == 500
    assert "from a running event loop" in answer.text
    assert client.get("/sleep/0.0").status_code == 200


@pytest.mark.parametrize("path", ["/boom", "/boom/sync"])
def test_an_exception_in_a_view_is_answered_with_500_and_the_next_request_is_served(
    client: httpx.Client, path: str
) -> None:
    assert client.get(path).status_code == 500
    assert client.get("/sleep/0.0").text == "slept"
