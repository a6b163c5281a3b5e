"""Addresses in answers of an application that clients reach under a path."""

import asyncio
import json
from typing import Any

import pytest

from ostiary.server.http.connections import Connections
from tests.conftest import App, MakeApp
from tests.support.http_in_memory import MemoryTransport
from tests.support.people import person

PREFIX = "/auth"


@pytest.fixture(params=["https://id.example/auth", "https://id.example/auth/"])
def app(request: pytest.FixtureRequest, make_app: MakeApp, sqlite_url: str) -> App:
    return make_app(sqlite_url, issuer=request.param)


def test_the_contract_and_problems_and_locations_have_the_path(app: App) -> None:
    document: dict[str, Any] = app.client.get("/openapi.json").json or {}
    assert document["servers"] == [{"url": PREFIX, "description": "This server."}]
    assert (app.client.get("/me").json or {})["type"] == f"{PREFIX}/problems/authentication_required"
    made = person(app).post("/me/api-keys", json={"name": "nightly report", "scopes": ["me:read"]})
    assert made.headers["Location"].startswith(f"{PREFIX}/me/api-keys/")


def test_what_the_server_itself_refuses_has_the_path() -> None:
    class Prefixed:
        prefix = PREFIX

        async def __call__(self, _scope: object, _receive: object, _send: object) -> None:
            raise AssertionError

    async def scenario() -> bytes:
        connections = Connections(Prefixed())
        transport = MemoryTransport()
        transport.protocol = connections.protocol()
        transport.protocol.connection_made(transport)
        transport.protocol.data_received(b"GARBAGE\r\n\r\n")
        connections.abort()
        await connections.drained()
        return bytes(transport.written)

    body = asyncio.run(scenario()).partition(b"\r\n\r\n")[2]
    assert json.loads(body)["type"] == f"{PREFIX}/problems/bad_request"
