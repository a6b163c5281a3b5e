"""The `ostiary` command, in this process where that is enough."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ostiary import __version__
from ostiary.cli import main
from ostiary.features.examples.service import Examples
from ostiary.settings import table
from tests.conftest import App, MakeApp
from tests.support.databases import POSTGRES_VARIABLE
from tests.support.people import make_role
from tests.support.settings import environment_of, settings_for

COMMITTED = Path(__file__).parents[1] / "openapi" / "openapi.json"
PASSWORD = "correct horse battery staple"

Environment = dict[str, str]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> Environment:
    return environment_of(settings_for(database_url, tmp_path))


@pytest.fixture(autouse=True)
def _only_our_settings(monkeypatch: pytest.MonkeyPatch, _logging_restored: None) -> None:
    for name in [name for name in os.environ if name.startswith("OSTIARY_") and name != POSTGRES_VARIABLE]:
        monkeypatch.delenv(name)


def ostiary(*arguments: str, env: Environment | None = None, **options: Any) -> Result:
    result = CliRunner().invoke(main, arguments, env=env, **options)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def create(environment: Environment, name: str, *options: str, password: str | bytes = PASSWORD) -> Result:
    line = (password.encode() if isinstance(password, str) else password) + b"\n"
    return ostiary("users", "create", name, "--password-stdin", *options, env=environment, input=line)


def test_it_tells_its_version() -> None:
    result = ostiary("--version")
    assert (result.exit_code, result.output) == (0, f"ostiary, version {__version__}\n")


def test_each_command_has_help() -> None:
    specs = (["spec"], ["spec", "export"])
    for command in ([], ["serve"], ["users"], ["users", "create"], *specs, ["settings"]):
        result = ostiary(*command, "--help")
        assert result.exit_code == 0
        assert "Usage:" in result.output


def test_it_prints_the_settings() -> None:
    assert ostiary("settings").output == table()


def test_it_exports_the_committed_contract() -> None:
    assert ostiary("spec", "export").stdout_bytes == COMMITTED.read_bytes()


def test_it_exports_the_contract_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    assert ostiary("spec", "export", "--output", str(file)).exit_code == 0
    assert file.read_bytes() == COMMITTED.read_bytes()
    assert json.loads(file.read_bytes())["openapi"].startswith("3.1")


def test_a_file_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    result = ostiary("spec", "export", "--output", str(tmp_path / "none" / "openapi.json"))
    assert result.exit_code == 1
    assert re.fullmatch(r"ostiary: .*No such file or directory.*\n", result.stderr)


def test_the_contract_does_not_depend_on_the_environment(tmp_path: Path) -> None:
    result = ostiary("spec", "export", env={"OSTIARY_PORT": "nonsense", "OSTIARY_DATA_DIR": str(tmp_path / "none")})
    assert result.stdout_bytes == COMMITTED.read_bytes()
    assert not (tmp_path / "none").exists()


def test_a_user_is_created_and_can_log_in(environment: Environment, make_app: MakeApp) -> None:
    result = create(environment, "operator")
    assert result.exit_code == 0
    assert re.fullmatch(r"Created operator \([0-9a-f-]{36}\) with the roles: none\n", result.stdout)
    app: App = make_app(environment["OSTIARY_DATABASE_URL"])
    answer = app.client.post("/login", json={"username": "operator", "password": PASSWORD})
    assert answer.status_code == 200


def test_a_user_gets_the_roles_that_are_asked_for(environment: Environment, make_app: MakeApp) -> None:
    app: App = make_app(environment["OSTIARY_DATABASE_URL"])
    make_role(app, "staff")
    result = create(environment, "operator", "--role", "staff", "--role", "admin", "--role", "admin")
    assert result.stdout.endswith("with the roles: admin, staff\n")
    tokens = app.client.post("/login", json={"username": "operator", "password": PASSWORD}).json
    answer = app.client.get("/protected/admin", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 200


def test_a_role_that_does_not_exist_is_refused(environment: Environment) -> None:
    result = create(environment, "operator", "--role", "auditor", "--role", "admin")
    assert result.exit_code == 1
    assert "ostiary: There is no role auditor. (" in result.stderr


def test_creating_a_user_makes_no_example_administrator(environment: Environment, make_app: MakeApp) -> None:
    assert create(environment, "operator").exit_code == 0
    app: App = make_app(environment["OSTIARY_DATABASE_URL"])
    username, password = app.services.get(Examples).administrator.credentials
    assert app.client.post("/login", json={"username": username, "password": password}).status_code == 401


@pytest.mark.parametrize("role", ["", "x" * 65, "two words", "rol\u00e9", "tab\t"])
def test_a_role_that_is_no_name_is_refused(tmp_path: Path, role: str) -> None:
    result = create({"OSTIARY_DATA_DIR": str(tmp_path)}, "operator", "--role", role)
    assert result.exit_code == 2
    assert "printable ASCII" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_asked_for_twice_and_not_shown(environment: Environment) -> None:
    result = ostiary("users", "create", "operator", env=environment, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output


def test_a_password_that_is_mistyped_is_asked_for_again(environment: Environment) -> None:
    typed = f"{PASSWORD}\nanother\n{PASSWORD}\n{PASSWORD}\n"
    result = ostiary("users", "create", "operator", env=environment, input=typed)
    assert result.exit_code == 0
    assert "do not match" in result.output


@pytest.mark.parametrize("password", ["  spaces at both ends  ", "un caf\u00e9 \N{DOOR}\N{KEY}", "trailing tab\t"])
@pytest.mark.parametrize("ending", ["", "\r"])
def test_a_password_from_standard_input_is_kept_exactly(
    sqlite_url: str, make_app: MakeApp, tmp_path: Path, password: str, ending: str
) -> None:
    environment = environment_of(settings_for(sqlite_url, tmp_path))
    assert create(environment, "operator", password=password + ending).exit_code == 0
    answer = make_app(sqlite_url).client.post("/login", json={"username": "operator", "password": password})
    assert answer.status_code == 200


def test_white_space_around_a_name_is_left_out(environment: Environment) -> None:
    result = create(environment, " operator ")
    assert (result.exit_code, result.stdout.startswith("Created operator (")) == (0, True)


def test_a_name_that_is_taken_is_told_in_a_line(environment: Environment) -> None:
    create(environment, "operator")
    result = create(environment, "OPERATOR")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("ostiary: User already exists!")
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["", "ab", "x" * 65, "two words", "new\nline", "\N{ZERO WIDTH SPACE}abc"])
def test_a_malformed_name_is_reported_in_one_line(environment: Environment, name: str) -> None:
    result = create(environment, name)
    assert result.exit_code == 1
    assert re.fullmatch(r"(?s:.*)Using the database .+\nostiary: username: .+\n", result.stderr)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_a_malformed_password_is_reported_in_one_line(environment: Environment, password: str) -> None:
    result = create(environment, "operator", password=password)
    assert result.exit_code == 1
    assert re.fullmatch(r"(?s:.*)Using the database .+\nostiary: password: .+\n", result.stderr)


@pytest.mark.parametrize(("name", "password"), [("operator", b"latin-1 caf\xe9s"), ("oper\udce9tor", b"long enough")])
def test_bytes_that_are_no_text_are_reported_in_one_line(environment: Environment, name: str, password: bytes) -> None:
    result = create(environment, name, password=password)
    assert result.exit_code == 1
    assert re.fullmatch(r"(?s:.*)\nostiary: the name and the password must be UTF-8\n", result.stderr)


def test_bad_settings_are_told_one_a_line() -> None:
    result = ostiary("serve", env={"OSTIARY_PORT": "x", "OSTIARY_NAME": "x", "OSTIARY_SECRET_KEY": "x"})
    assert result.exit_code == 2
    first, *faults = result.stderr.splitlines()
    assert first == "ostiary cannot start with these settings:"
    names = [fault.strip().partition(":")[0] for fault in faults]
    assert names == ["OSTIARY_PORT", "OSTIARY_NAME", "OSTIARY_SECRET_KEY"]


def test_a_port_out_of_range_on_the_command_line_is_refused() -> None:
    assert ostiary("serve", "--port", "65536").exit_code == 2


def test_a_database_of_a_newer_version_is_told_in_a_line(environment: Environment, make_app: MakeApp) -> None:
    app = make_app(environment["OSTIARY_DATABASE_URL"])
    app.run(app.services.database.write, _stamp_newer)
    for command in (["serve"], ["users", "create", "operator", "--password-stdin"]):
        result = ostiary(*command, env=environment, input=f"{PASSWORD}\n")
        assert result.exit_code == 1
        (told,) = [line for line in result.stderr.splitlines() if line.startswith("ostiary: ")]
        assert "the database is at revision 'from-the-future'" in told
        assert "Traceback" not in result.output


async def _stamp_newer(tx: Any) -> None:
    from sqlalchemy import text  # noqa: PLC0415 - for this one statement

    await tx.session.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))


def test_a_database_that_cannot_be_reached_is_told_in_a_line(tmp_path: Path) -> None:
    environment = {
        "OSTIARY_DATA_DIR": str(tmp_path),
        "OSTIARY_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'none' / 'ostiary.db'}",
    }
    result = ostiary("serve", env=environment)
    assert result.exit_code == 1
    file = tmp_path / "none" / "ostiary.db"
    assert result.stderr.splitlines()[-1] == (
        f"ostiary: the database {file} cannot be used: No such file or directory ({file}); OSTIARY_DATABASE_URL must "
        "name a file in a folder that exists and that this user may write to"
    )
    assert "Traceback" not in result.output


def test_a_data_directory_that_cannot_be_made_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = ostiary("serve", env={"OSTIARY_DATA_DIR": str(tmp_path / "file")})
    assert result.exit_code == 1
    (told,) = result.stderr.splitlines()
    assert told.startswith(f"ostiary: the data directory {tmp_path / 'file'} cannot be used: Not a directory (")
    assert told.endswith("; let this user write to it, or set OSTIARY_DATA_DIR to another folder")


def test_it_runs_as_a_module_too() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    done = subprocess.run(
        [sys.executable, "-m", "ostiary.cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=COMMITTED.parents[1],
    )
    assert done.stdout == f"ostiary, version {__version__}\n"
