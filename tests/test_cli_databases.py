"""Which database a command works on, and what an operator reads where something is missing, closed, full or away."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.databases import needed_postgres_url, postgres_database
from tests.support.postgres_cluster import free_port
from tests.support.servers import environment_without_settings
from tests.support.settings import CHEAP, SECRET
from tests.support.waiting import until
from tests.test_cli import Environment, environment, ostiary

__all__ = ["environment"]

pytestmark = pytest.mark.usefixtures("_logging_restored")

PASSWORD = "correct horse battery staple"
COMMANDS = {
    "users": ["users", "create", "operator", "--password-stdin"],
    "clients create": ["clients", "create", "orders"],
    "clients list": ["clients", "list"],
    "clients remove": ["clients", "remove", "orders"],
    "keys list": ["keys", "list"],
    "keys rotate": ["keys", "rotate"],
    "keys retire": ["keys", "retire", "some"],
    "sessions": ["sessions", "end", "--all"],
    "audit": ["audit", "verify"],
    "cleanup": ["cleanup"],
}
EVERY = pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))


def the_only_line(stderr: str) -> str:
    """The line for the operator; there is no other text but the log."""
    assert "Traceback" not in stderr
    (told,) = [line for line in stderr.splitlines() if line.startswith("ostiary: ")]
    return told


@EVERY
def test_no_command_creates_a_database(tmp_path: Path, command: list[str]) -> None:
    data = tmp_path / "data"
    result = ostiary(*command, env={"OSTIARY_DATA_DIR": str(data)}, input=f"{PASSWORD}\n")
    assert result.exit_code == 1
    told = the_only_line(result.stderr)
    assert told.startswith(f"ostiary: there is no database in {data}: run this where `ostiary serve` runs")
    assert result.stderr == f"{told}\n"
    assert not data.exists()


def test_without_a_database_no_password_is_asked_for(tmp_path: Path) -> None:
    result = ostiary(
        "users", "create", "user1", env={"OSTIARY_DATA_DIR": str(tmp_path / "data")}, input=f"{PASSWORD}\n" * 2
    )
    assert result.exit_code == 1
    assert "Password" not in result.output


@EVERY
def test_no_command_creates_a_database_at_a_url(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "o.db"
    settings = {"OSTIARY_DATABASE_URL": f"sqlite+aiosqlite:///{file}", "OSTIARY_SECRET_KEY": SECRET}
    result = ostiary(*command, env=settings, input=f"{PASSWORD}\n")
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert the_only_line(result.stderr).startswith(f"ostiary: there is no database {file}: ")
    file.touch()
    result = ostiary(*command, env=settings, input=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert the_only_line(result.stderr).startswith(f"ostiary: the database {file} is empty: ")


@pytest.mark.postgres
def test_no_command_creates_tables() -> None:
    with postgres_database(needed_postgres_url()) as url:
        settings = {"OSTIARY_DATABASE_URL": url, "OSTIARY_SECRET_KEY": SECRET}
        result = ostiary("clients", "list", env=settings)
        assert result.exit_code == 1
        told = the_only_line(result.stderr)
        assert "ostiary: the database ostiary_test_" in told
        assert " is empty: " in told
        assert ostiary("migrate", env=settings).exit_code == 0
        assert ostiary("clients", "list", env=settings).exit_code == 0


def test_no_command_makes_another_secret(sqlite_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    result = ostiary("keys", "list", env={"OSTIARY_DATABASE_URL": sqlite_url, "OSTIARY_DATA_DIR": str(data)})
    assert result.exit_code == 1
    assert the_only_line(result.stderr).startswith(f"ostiary: there is no secret.key of the server in {data}: ")
    assert not data.exists()


@pytest.mark.parametrize("command", [["clients", "list"], ["keys", "list"], ["audit", "verify"], ["cleanup"]])
def test_each_command_says_which_database_it_uses(environment: Environment, command: list[str]) -> None:
    result = ostiary(*command, env=environment)
    assert result.exit_code == 0
    (told,) = [line for line in result.stderr.splitlines() if line.startswith("Using the database ")]
    url = environment["OSTIARY_DATABASE_URL"]
    name = url.removeprefix("sqlite+aiosqlite:///") if url.startswith("sqlite") else url.rpartition("/")[2]
    assert told.removeprefix("Using the database ").startswith(name)


def test_migrate_creates_what_serve_would(tmp_path: Path) -> None:
    settings = {"OSTIARY_DATA_DIR": str(tmp_path / "data")}
    for _ in range(2):
        result = ostiary("migrate", env=settings)
        assert result.exit_code == 0
        assert result.stdout == f"The database {tmp_path / 'data' / 'ostiary.db'} is ready for this version\n"
    assert ostiary("clients", "list", env=settings).exit_code == 0


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("127.0.0.1:{free}/x", "x at 127.0.0.1:{free} cannot be used: Connection refused; start it, or correct "),
        ("nowhere.invalid/x", "x at nowhere.invalid:5432 cannot be used: "),
        ("{server}/none", 'none at {server} cannot be used: database "none" does not exist; create the database, or '),
        ("{server}/x?sslmode=require", "x at {server} cannot be used: it has no TLS; switch TLS on there, or correct "),
        ("{silent}/x?connect_timeout=1", "x at {silent} cannot be used: no answer in time; start it, or correct "),
        ("nobody:geheim@{server}/x", 'x at {server} cannot be used: role "nobody" does not exist; correct the user '),
        ("/x?host=/nonexistent", "x at /nonexistent cannot be used: No such file or directory; start it, or correct "),
    ],
)
@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_server_that_cannot_be_used_is_told_in_a_line(tmp_path: Path, place: str, told: str, command: str) -> None:
    server = needed_postgres_url().rpartition("@")[2].partition("/")[0]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        names = {"free": free_port(), "server": server, "silent": f"127.0.0.1:{silent.getsockname()[1]}"}
        address = place.format(**names)
        url = (
            f"postgresql://{address}"
            if "@" in address or address.startswith("/")
            else f"postgresql://postgres@{address}"
        )
        settings = {"OSTIARY_DATABASE_URL": url, "OSTIARY_SECRET_KEY": SECRET, "OSTIARY_DATA_DIR": str(tmp_path)}
        result = ostiary(command, env=settings)
    assert result.exit_code == 1
    line = the_only_line(result.stderr)
    assert line.startswith(f"ostiary: the database {told.format(**names)}")
    assert line.endswith("OSTIARY_DATABASE_URL" if "nobody" not in url else "the server's pg_hba.conf")
    assert result.stderr == f"{line}\n"
    assert "geheim" not in line


def test_a_folder_that_may_not_be_written_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    data = tmp_path / "data"
    result = ostiary("serve", env={"OSTIARY_DATA_DIR": str(data)})
    assert result.exit_code == 1
    assert result.stderr == (
        f"ostiary: the data directory {data} cannot be used: Permission denied ({data}); let this user write to it, or "
        "set OSTIARY_DATA_DIR to another folder\n"
    )


def run(*command: str, directory: Path, through: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command by the shell, which closes or redirects its streams as `through` says."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {through}', "sh", sys.executable, "-m", "ostiary.cli", *command],
        env={**environment_without_settings(), "OSTIARY_DATA_DIR": str(directory / "data"), **settings},
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_that_is_taken_is_told_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", directory=tmp_path, through="", OSTIARY_PORT=str(port))
    assert done.returncode == 1
    assert the_only_line(done.stderr) == (
        f"ostiary: cannot listen on 127.0.0.1:{port}: Address already in use; another program listens there: stop it, "
        "or choose another with --port (OSTIARY_PORT)"
    )


def test_an_output_that_is_full_is_told_in_a_line(tmp_path: Path) -> None:
    done = run("settings", directory=tmp_path, through=">/dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "ostiary: standard output cannot be written: No space left on device; what the command has done stands\n"
    )


def test_an_output_that_is_closed_is_told_before_anything_is_done(tmp_path: Path) -> None:
    done = run("migrate", directory=tmp_path, through=">&-")
    assert done.returncode == 1
    assert done.stderr == "ostiary: standard output is closed: open it, such as with >/dev/null, and try again\n"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_has_enough_is_no_fault(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "ostiary.cli", "settings"],
        env=environment_without_settings(),
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("through", [">&-", ">/dev/full", "<&- >&- 2>&-"])
def test_a_server_without_an_output_serves(tmp_path: Path, through: str, workers: str) -> None:
    port = free_port()
    cheap = {f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}
    settings = {
        "OSTIARY_DATA_DIR": str(tmp_path / "data"),
        "OSTIARY_WORKERS": workers,
        "OSTIARY_PORT": str(port),
        **cheap,
    }
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {through}', "sh", sys.executable, "-m", "ostiary.cli", "serve"],
            env={**environment_without_settings(), **settings, **cheap},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        try:

            def is_ready() -> bool:
                assert server.poll() is None
                try:
                    return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
                except httpx.TransportError:
                    return False

            until(is_ready, 60)
            body = {"username": "user1", "password": "password123"}
            assert httpx.post(f"http://127.0.0.1:{port}/register", json=body).status_code == 201
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(60) == 0
    told = (tmp_path / "log").read_text()
    assert "Traceback" not in told
    assert ("standard output cannot be written; the server goes on without it" in told) == ("full" in through)
