"""The example client: there for a page that only this machine reaches, and nowhere else."""

import asyncio

import pytest
from structlog.testing import capture_logs

from ostiary.features.clients.service import Clients
from ostiary.features.examples.service import Examples
from tests.conftest import App, MakeApp
from tests.features.examples.test_administrator import ELSEWHERE
from tests.support.clients import basic
from tests.support.rivals import rivals_of


def settle(app: App) -> None:
    app.run(app.services.get(Examples).client.settle)


def status(app: App, credentials: tuple[str, str] | None = None) -> int:
    headers = basic(*(credentials or app.services.get(Examples).client.credentials))
    return app.client.post("/oauth/introspect", data={"token": "x"}, headers=headers).status_code


def test_it_is_made_once_and_told_in_one_line(app: App) -> None:
    assert status(app) == 401
    with capture_logs() as logs:
        settle(app)
        settle(app)
    assert [line["event"] for line in logs] == ["the example client was made, for Swagger UI on this machine"]
    assert status(app) == 200


def test_workers_that_start_at_once_make_one(app: App) -> None:
    async def race() -> None:
        async with rivals_of(app, 4) as rivals:
            await asyncio.gather(*(rival.get(Examples).client.settle() for rival in rivals))

    asyncio.run(race())
    assert status(app) == 200
    assert len(app.run(app.services.get(Clients).known)) == 1


def test_its_secret_follows_from_the_secret_key(make_app: MakeApp, database_url: str) -> None:
    app, other = make_app(database_url), make_app(database_url, secret_key="another secret" * 3)
    settle(app)
    old = app.services.get(Examples).client.credentials
    settle(other)
    assert old[1] != other.services.get(Examples).client.credentials[1]
    assert (status(other), status(other, old)) == (200, 401)


@pytest.mark.parametrize("changes", ELSEWHERE.values(), ids=ELSEWHERE)
def test_it_is_removed_wherever_others_may_reach_the_server(make_app: MakeApp, sqlite_url: str, changes: dict) -> None:
    development = make_app(sqlite_url)
    settle(development)
    client, secret = development.run(development.services.get(Clients).create, "a service")
    elsewhere = make_app(sqlite_url, **changes)
    settle(elsewhere)
    assert status(elsewhere) == 401
    assert status(elsewhere, (client.client_id, secret)) == 200
