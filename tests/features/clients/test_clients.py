"""Service clients: made, listed and removed on the server."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from ostiary.features.clients.service import Clients
from tests.conftest import App, MakeApp
from tests.support.clients import basic
from tests.support.settings import environment_of, settings_for
from tests.test_cli import ostiary

Environment = dict[str, str]


@pytest.fixture
def environment(database_url: str, tmp_path: Path, _logging_restored: None) -> Environment:
    return environment_of(settings_for(database_url, tmp_path))


def create(environment: Environment, name: str = "billing", *options: str) -> tuple[str, str]:
    result = ostiary("clients", "create", name, *options, env=environment)
    assert result.exit_code == 0, result.output
    found = re.fullmatch(r"client_id: ([0-9a-f-]{36})\nclient_secret: (osc_[\w-]{43})\n", result.stdout)
    assert found, result.stdout
    return found[1], found[2]


def status(app: App, client_id: str, secret: str) -> int:
    answer = app.client.post("/oauth/introspect", data={"token": "x"}, headers=basic(client_id, secret))
    return answer.status_code


def test_a_client_is_made_and_may_ask(environment: Environment, make_app: MakeApp) -> None:
    client_id, secret = create(environment)
    assert status(make_app(environment["OSTIARY_DATABASE_URL"]), client_id, secret) == 200


def test_two_clients_do_not_share_their_secrets(environment: Environment, make_app: MakeApp) -> None:
    first, second = create(environment), create(environment)
    app = make_app(environment["OSTIARY_DATABASE_URL"])
    assert status(app, *second) == 200
    assert status(app, first[0], second[1]) == 401


def test_the_secret_is_nowhere_in_the_database(environment: Environment, make_app: MakeApp) -> None:
    _, secret = create(environment)
    app = make_app(environment["OSTIARY_DATABASE_URL"])

    async def rows() -> list:
        async with app.services.database.read() as session:
            return list(await session.execute(text("SELECT * FROM service_clients")))

    (row,) = app.run(rows)
    assert secret not in str(row)
    assert secret.removeprefix("osc_") not in str(row)


@pytest.mark.parametrize(("options", "expected"), [([], 400), (["--may-revoke"], 200)])
def test_a_client_revokes_only_if_it_was_made_so(
    environment: Environment, make_app: MakeApp, options: list[str], expected: int
) -> None:
    credentials = basic(*create(environment, "billing", *options))
    app = make_app(environment["OSTIARY_DATABASE_URL"])
    assert app.client.post("/oauth/revoke", data={"token": "x"}, headers=credentials).status_code == expected


def test_clients_are_listed_without_their_secrets(environment: Environment) -> None:
    first, second = create(environment, "billing"), create(environment, "la bo\u00eete", "--may-revoke")
    result = ostiary("clients", "list", env=environment)
    lines = [re.split(" {2,}", line) for line in result.stdout.splitlines()]
    assert [(client_id, may, name) for client_id, _, may, name in lines] == [
        (first[0], "introspect", "billing"),
        (second[0], "introspect, revoke", "la bo\u00eete"),
    ]
    assert first[1] not in result.stdout
    assert second[1] not in result.stdout


def test_a_removed_client_is_refused_at_its_next_request_by_a_running_server(
    environment: Environment, make_app: MakeApp
) -> None:
    client_id, secret = create(environment)
    app = make_app(environment["OSTIARY_DATABASE_URL"])
    assert status(app, client_id, secret) == 200
    result = ostiary("clients", "remove", client_id, env=environment)
    assert (result.exit_code, result.stdout) == (0, f"Removed billing ({client_id})\n")
    assert status(app, client_id, secret) == 401
    assert ostiary("clients", "list", env=environment).stdout == ""


def test_who_is_no_client_cannot_be_removed(environment: Environment) -> None:
    result = ostiary("clients", "remove", "nobody", env=environment)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "ostiary: there is no client 'nobody'; see: ostiary clients list"


@pytest.mark.parametrize("name", ["", "x" * 65, "new\nline", "\x1b[31mred"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    result = ostiary("clients", "create", name, env={"OSTIARY_DATA_DIR": str(tmp_path)})
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_each_command_has_help() -> None:
    for command in ([], ["create"], ["list"], ["remove"]):
        result = ostiary("clients", *command, "--help")
        assert result.exit_code == 0
        assert "Usage:" in result.output


def test_a_reset_of_the_sandbox_leaves_clients_alone(make_app: MakeApp, sqlite_url: str) -> None:
    app = make_app(sqlite_url, sandbox=True)
    client, secret = app.run(app.services.get(Clients).create, "tests")
    assert app.client.post("/sandbox/reset").status_code == 204
    assert status(app, client.client_id, secret) == 200
