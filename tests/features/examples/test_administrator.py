"""The example administrator: there for a page that only this machine reaches, and nowhere else."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ostiary.features.examples.administrator import USERNAME
from ostiary.features.examples.service import Examples
from tests.conftest import App, MakeApp
from tests.support.people import PASSWORD, person
from tests.support.rivals import rivals_of

PRODUCTION = {"profile": "production", "issuer": "https://auth.example.org"}
ELSEWHERE = {
    "production": PRODUCTION,
    "another host": {"host": "0.0.0.0"},
    "behind a proxy": {"trusted_proxies": "127.0.0.1"},
}


def settle(app: App) -> None:
    app.run(app.services.get(Examples).administrator.settle)


def log_in(app: App) -> int:
    username, password = app.services.get(Examples).administrator.credentials
    return app.client.post("/login", json={"username": username, "password": password}).status_code


def test_it_is_made_once_with_its_role_and_told_in_one_line(app: App) -> None:
    with capture_logs() as logs:
        settle(app)
        settle(app)
    assert [(line["log_level"], line["username"]) for line in logs] == [("info", USERNAME)]
    username, password = app.services.get(Examples).administrator.credentials
    tokens = app.client.post("/login", json={"username": username, "password": password}).json
    answer = app.client.get("/protected/admin", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 200


def test_its_password_has_256_bits_and_follows_from_the_secret(make_app: MakeApp, sqlite_url: str) -> None:
    apps = [make_app(sqlite_url), make_app(sqlite_url), make_app(sqlite_url, secret_key="another secret" * 3)]
    passwords = [app.services.get(Examples).administrator.credentials[1] for app in apps]
    assert passwords[0] == passwords[1] != passwords[2]
    assert len(passwords[0]) == 43
    assert apps[0].settings.secret_key not in passwords[0]


def test_workers_that_start_at_once_make_one(app: App) -> None:
    async def race() -> None:
        async with rivals_of(app, 4) as rivals:
            await asyncio.gather(*(rival.get(Examples).administrator.settle() for rival in rivals))

    asyncio.run(race())
    assert log_in(app) == 200


@pytest.mark.parametrize("where", ELSEWHERE)
def test_it_is_not_made_elsewhere(make_app: MakeApp, database_url: str, where: str) -> None:
    app = make_app(database_url, **ELSEWHERE[where])
    app.run(app.services.start)
    assert log_in(app) == 401


@pytest.mark.parametrize("where", ELSEWHERE)
def test_one_that_development_has_left_is_removed_with_its_sessions(
    make_app: MakeApp, database_url: str, where: str
) -> None:
    development = make_app(database_url)
    development.run(development.services.start)
    username, password = development.services.get(Examples).administrator.credentials
    tokens = development.client.post("/login", json={"username": username, "password": password}).json
    app = make_app(database_url, **{**ELSEWHERE[where], "issuer": development.settings.effective_issuer})
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert app.client.get("/protected", headers=bearer).status_code == 200
    with capture_logs() as logs:
        app.run(app.services.start)
    assert [line["event"] for line in logs if "removed" in line["event"]]
    assert log_in(app) == 401
    assert app.client.get("/protected", headers=bearer).status_code == 401


@pytest.mark.parametrize("where", ["here", *ELSEWHERE])
def test_somebody_elses_account_of_that_name_is_left_alone(make_app: MakeApp, database_url: str, where: str) -> None:
    app = make_app(database_url, **ELSEWHERE.get(where, {}))
    owner = person(app, USERNAME)
    app.run(app.services.start)
    assert owner.get("/me").json["roles"] == []
    again = app.client.post("/login", json={"username": USERNAME, "password": PASSWORD})
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("changes", "present"),
    [
        ({}, True),
        ({"host": "localhost"}, True),
        ({"host": "::1"}, True),
        ({"host": "127.0.0.2"}, True),
        ({"host": "192.168.0.1"}, False),
        ({"host": "::"}, False),
        ({"host": "ostiary.example"}, False),
        ({"trusted_proxies": "127.0.0.1"}, False),
        (PRODUCTION, False),
    ],
)
def test_where_it_may_be(sqlite_app: App, changes: dict[str, str], present: bool) -> None:
    assert replace(sqlite_app.settings, **changes).has_example_administrator is present
