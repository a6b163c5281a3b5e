"""What a start makes and finds on the disk: for the owner alone under any umask and any server; others' is refused."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from tests.conftest import App
from tests.support.servers import environment_without_settings, running
from tests.support.settings import CHEAP, SECRET

USER = {"username": "user1", "password": "password123"}
FILES = ["o.db", "o.db-feed", "o.db-shm", "o.db-wal"]
FOREIGN = """
import os
from ostiary.app import create_app
app = create_app()
client = app.test_client()
assert client.post("/register", json={"username": "user1", "password": "password123"}).status_code == 201
pair = client.post("/login", json={"username": "user1", "password": "password123"}).json
assert client.post("/logout", headers={"Authorization": f"Bearer {pair['access_token']}"}, json={}).status_code < 300
for name in sorted(os.listdir(os.environ["LOOK_AT"])):
    print(oct(os.stat(os.path.join(os.environ["LOOK_AT"], name)).st_mode & 0o777), name, flush=True)
os._exit(0)  # the files beside the database go with the last connection
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0)
    yield os.umask
    os.umask(before)


def settings(directory: Path, **more: str) -> dict[str, str]:
    cheap = {f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}
    return {"OSTIARY_DATABASE_URL": f"sqlite+aiosqlite:///{directory / 'o.db'}", "OSTIARY_PORT": "0", **cheap, **more}


@pytest.mark.parametrize("mask", [0o000, 0o022], ids=oct)
def test_a_server_leaves_no_file_to_others(tmp_path: Path, umask: Callable[[int], int], mask: int) -> None:
    umask(mask)
    directory, data = tmp_path / "srv", tmp_path / "deep" / "data"
    directory.mkdir(mode=0o755)
    environment = settings(directory, OSTIARY_DATA_DIR=str(data))
    with running(["serve"], environment, tmp_path) as server:
        assert httpx.post(f"{server.url}/register", json=USER).status_code == 201
        token = httpx.post(f"{server.url}/login", json=USER).json()["access_token"]
        httpx.post(f"{server.url}/logout", headers={"Authorization": f"Bearer {token}"}, json={}).raise_for_status()
        assert {path.name: oct(mode(path)) for path in directory.iterdir()} == dict.fromkeys(FILES, "0o600")
    assert [oct(mode(path)) for path in (data.parent, data, data / "secret.key")] == ["0o700", "0o700", "0o600"]


def test_a_foreign_server_leaves_none_either(tmp_path: Path, umask: Callable[[int], int]) -> None:
    directory = tmp_path / "srv"
    directory.mkdir(mode=0o755)
    environment = settings(directory, OSTIARY_SECRET_KEY=SECRET, LOOK_AT=str(directory))
    found = subprocess.run(
        [sys.executable, "-c", FOREIGN],
        env={**environment_without_settings(), **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.stdout.split("\n")[:-1] == [f"0o600 {name}" for name in FILES], found.stderr


def test_files_that_others_could_read_are_narrowed_with_a_line_each(tmp_path: Path) -> None:
    for name in FILES[:2]:
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    environment = settings(tmp_path, OSTIARY_SECRET_KEY=SECRET)
    with running(["serve"], environment, tmp_path) as server:
        assert [oct(mode(tmp_path / name)) for name in FILES[:2]] == ["0o600", "0o600"]
        told = [line for line in server.plain_output.splitlines() if "others could read the database" in line]
    assert len(told) == 2
    assert str(tmp_path / "o.db") in told[0]


def started(tmp_path: Path, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ostiary.cli", "serve"],
        env={**environment_without_settings(), "OSTIARY_DATA_DIR": str(data), "OSTIARY_PORT": "0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_directory_that_others_may_write_to_is_refused_in_a_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    (data / "secret.key").write_text("known to somebody, who has put it here\n")
    (data / "secret.key").chmod(0o600)
    refused = started(tmp_path, data)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.fullmatch(rf"ostiary: others may write to the directory {data} .*chmod go-w {data}\n", refused.stderr)
    assert [path.name for path in data.iterdir()] == ["secret.key"]


def test_a_secret_that_others_may_write_is_refused_in_a_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "secret.key").write_text("known to somebody, who has put it here\n")
    (data / "secret.key").chmod(0o666)
    refused = started(tmp_path, data)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.fullmatch(rf"ostiary: others may read or write {data / 'secret.key'} .*chmod 600 .*\n", refused.stderr)


@pytest.mark.parametrize("name", ["_reader", "_writer"])
def test_what_is_deleted_does_not_stay_in_the_file(sqlite_app: App, name: str) -> None:
    async def pragma() -> int | None:
        async with getattr(sqlite_app.services.database, name).connect() as connection:
            found: int | None = await connection.scalar(text("PRAGMA secure_delete"))
            return found

    assert sqlite_app.run(pragma) == 1
