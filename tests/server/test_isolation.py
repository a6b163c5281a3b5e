"""No request sees another's `request`, `g` or context variables, however they are interleaved."""

import asyncio
import itertools
import json
from typing import Any

import httpx

from tests.support.raw_http import converse, exchange, get, request, status_of
from tests.support.server_app import MAX_BODY
from tests.support.servers import ServerProcess
from tests.support.waiting import until

CHECKS_OF_ONE = 9
"""How often one request looks: before_request (2), the view (5), after_request, teardown."""

_identities = itertools.count(1)


def _state(server: ServerProcess) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(get(server.url, "/state"))
    return state


def _request_of(identity: str) -> bytes:
    return request("GET", "/who?fail" if _fails(identity) else "/who", f"X-Id: {identity}", close=False)


def _fails(identity: str) -> bool:
    return int(identity) % 5 == 0


async def _interleaved(url: str, connections: list[list[str]]) -> list[list[bytes]]:
    return await asyncio.gather(*(converse(url, map(_request_of, identities)) for identities in connections))


def test_interleaved_requests_see_only_their_own_at_every_step(server: ServerProcess) -> None:
    before = _state(server)["checks"]
    # Each connection (and under WSGI, each thread) serves many, one after another.
    connections = [[str(next(_identities)) for _ in range(8)] for _ in range(64)]

    answers = asyncio.run(_interleaved(server.url, connections))

    identities = list(itertools.chain(*connections))
    for identity, answer in zip(identities, itertools.chain(*answers), strict=True):
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"x-id: {identity}".encode() in head.lower().splitlines()
        if _fails(identity):
            assert (status_of(answer), body) == (500, identity.encode())
        else:
            assert json.loads(body) == {"request": identity, "g": identity, "variable": identity}
    until(lambda: set(identities) <= set(_state(server)["torn_down"]))
    state = _state(server)
    assert state["leaks"] == []
    assert state["checks"] - before >= len(identities) * CHECKS_OF_ONE


def test_a_pipelined_request_starts_with_no_variables_of_the_one_before(asgi_server: ServerProcess) -> None:
    first, second = str(next(_identities)), str(next(_identities))

    answer = exchange(
        asgi_server.url,
        request("GET", "/who", f"X-Id: {first}", close=False),
        request("GET", "/who", f"X-Id: {second}", close=False),
        request("GET", "/who", f"X-Id: {first}"),
    )

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(f'"variable":"{second}"'.encode()) == 1
    assert _state(asgi_server)["leaks"] == []


def test_nor_does_one_after_a_body_so_large_that_reading_was_paused(asgi_server: ServerProcess) -> None:
    with httpx.Client(base_url=asgi_server.url) as client:
        for _ in range(3):
            headers = {"X-Id": str(next(_identities))}
            assert client.post("/who", headers=headers, content=b"x" * MAX_BODY).status_code == 200

    assert _state(asgi_server)["leaks"] == []


def test_a_context_variable_that_a_coroutine_sets_is_seen_by_its_caller(client: httpx.Client) -> None:
    for _ in range(3):  # and by nobody in the next request
        assert client.get("/variable").json() == {"seen": "set by the caller, set by a coroutine"}
