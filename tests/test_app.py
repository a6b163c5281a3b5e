"""The composition root: what is made at the first start, by however many processes, and what is refused."""

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy.engine import make_url

from ostiary.app import _kept_secret, create_app, create_asgi, prepare, run
from ostiary.core.access_tokens import SigningKey
from ostiary.core.hash_pool import HashPool
from ostiary.core.passwords import Passwords
from ostiary.feature import Context, Feature
from ostiary.features import FEATURES
from ostiary.features.keys.service import Keys, KeysUnreadable
from ostiary.settings import BadSettings, Settings
from ostiary.web import guards
from ostiary.web.blueprint import Blueprint, document
from tests.conftest import App, MakeApp
from tests.support.asgi import call, lifespan
from tests.support.databases import POSTGRES_VARIABLE
from tests.support.servers import ServerProcess, start_process
from tests.support.settings import CHEAP, SECRET, environment_of, settings_for

USER = {"username": "user1", "password": "password123"}


@pytest.fixture
def fresh(tmp_path: Path, _logging_restored: None) -> Settings:
    """Settings of a first start: no directory, no secret, no database."""
    return Settings(data_dir=tmp_path / "data", **CHEAP)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_makes_the_directory_the_secret_and_the_database_for_the_owner_alone(fresh: Settings) -> None:
    settings = prepare(fresh)
    assert mode(fresh.data_dir) == 0o700
    assert mode(fresh.data_dir / "secret.key") == 0o600
    assert (fresh.data_dir / "secret.key").read_text() == settings.secret_key + "\n"
    assert len(settings.secret_key) == 43
    assert sorted(path.name for path in fresh.data_dir.iterdir())[:2] == ["ostiary.db", "secret.key"]


def test_a_second_start_keeps_them(fresh: Settings) -> None:
    assert prepare(fresh) == prepare(fresh)


def test_what_is_given_is_not_made(tmp_path: Path, fresh: Settings) -> None:
    settings = replace(fresh, secret_key=SECRET, database_url=f"sqlite+aiosqlite:///{tmp_path / 'ostiary.db'}")
    assert prepare(settings) == settings
    assert not fresh.data_dir.exists()


@pytest.mark.parametrize("content", ["", "\n", "too short\n"])
def test_a_secret_file_without_a_secret_is_refused(fresh: Settings, content: str) -> None:
    fresh.data_dir.mkdir(0o700)
    (fresh.data_dir / "secret.key").touch(0o600)
    (fresh.data_dir / "secret.key").write_text(content)
    with pytest.raises(BadSettings, match=r"secret\.key holds no secret"):
        prepare(fresh)


def test_threads_that_race_for_the_secret_get_the_same(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def make(_: int) -> str:
        together.wait()
        return _kept_secret(tmp_path / "secret.key")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_processes_that_race_for_the_secret_get_the_same(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ostiary.app import _kept_secret; print('ready', flush=True); "
        "sys.stdin.readline(); print(_kept_secret(Path(sys.argv[1]) / 'secret.key'))"
    )
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program, str(tmp_path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=Path(__file__).parents[1],
                )
            )
            for _ in range(3)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        secrets = {process.communicate("go\n", timeout=30)[0].split()[-1] for process in processes}
    assert secrets == {(tmp_path / "secret.key").read_text().strip()}
    assert mode(tmp_path / "secret.key") == 0o600


def test_weak_password_hashes_are_warned_of(fresh: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(fresh)
    assert "weaker than OWASP's minimum" in capsys.readouterr().err
    prepare(replace(fresh, argon2_memory_kib=19456, argon2_time_cost=2))
    assert "weaker" not in capsys.readouterr().err


def set_environment(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    for name in [name for name in os.environ if name.startswith("OSTIARY_") and name != POSTGRES_VARIABLE]:
        monkeypatch.delenv(name)
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)


def test_a_wsgi_server_gets_an_application_from_the_environment(
    fresh: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, fresh)
    app = create_app()
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert (fresh.data_dir / "ostiary.db").exists()
    # Whoever runs it may let anybody reach it, so there is no example administrator.
    assert client.get("/docs/initializer.js").text.startswith("const ADMINISTRATOR = null;")


def test_an_asgi_server_gets_an_application_from_settings(fresh: Settings) -> None:
    assert callable(create_asgi(prepare(fresh)))


def test_an_asgi_server_gets_an_application_from_the_environment_that_prepares_itself_on_its_loop(
    fresh: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, fresh)

    async def scenario() -> None:
        app = create_asgi()  # on a running loop, as uvicorn does it
        assert not (fresh.data_dir / "ostiary.db").exists()
        async with lifespan(app):
            ready = await call(app, "/readyz")
            assert ready is not None
            assert ready.status == 200
            page = await call(app, "/docs/initializer.js")
            assert page is not None
            assert page.body.startswith(b"const ADMINISTRATOR = null;")

    asyncio.run(scenario())
    with sqlite3.connect(fresh.data_dir / "ostiary.db") as database:
        assert database.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_an_asgi_server_is_told_that_the_database_is_of_a_newer_version(
    fresh: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(fresh)
    with sqlite3.connect(fresh.data_dir / "ostiary.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    set_environment(monkeypatch, fresh)

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="a newer version has used it"):
            async with lifespan(create_asgi()):
                pytest.fail("it started")

    asyncio.run(scenario())


@contextmanager
def an_unguarded_view(app: App) -> Iterator[None]:
    app.flask._got_first_request = False
    app.flask.add_url_rule("/open", "open", lambda: "anybody may come in")
    yield


def test_a_view_without_a_guard_is_refused(sqlite_app: App) -> None:
    guards.check(sqlite_app.flask)
    with an_unguarded_view(sqlite_app), pytest.raises(guards.UnguardedView, match=r"neither @public.*: open$"):
        guards.check(sqlite_app.flask)


def test_an_application_with_a_view_without_a_guard_does_not_start(make_app: MakeApp, sqlite_url: str) -> None:
    careless = Blueprint("careless", __name__)

    @careless.route("/open")
    @careless.response(200, {"type": "object"})
    @partial(document, security=[])  # the contract calls it public, and nobody has said so
    def view() -> dict[str, str]:
        """Let anybody in."""
        return {}

    feature = Feature(name="careless", blueprints=(careless,))
    with pytest.raises(guards.UnguardedView, match="careless"):
        make_app(sqlite_url, features=(*FEATURES, feature))


def test_starting_reads_the_keys_and_warms_up(sqlite_app: App) -> None:
    sqlite_app.run(sqlite_app.services.start)
    assert isinstance(sqlite_app.run(sqlite_app.services.get(Keys).current), SigningKey)
    assert sqlite_app.services.get(Passwords)._dummies._made


def test_starting_with_another_secret_fails(make_app: MakeApp, sqlite_url: str) -> None:
    first = make_app(sqlite_url)
    first.run(first.services.start)
    other = make_app(sqlite_url, secret_key=SECRET + " changed")
    with pytest.raises(KeysUnreadable, match="Set the former secret"):
        other.run(other.services.start)


def test_services_on_the_command_line_are_closed_even_when_the_work_fails(sqlite_url: str, tmp_path: Path) -> None:
    seen: list[Any] = []

    async def scenario(services: Context) -> None:
        seen.append(services)
        await services.get(Passwords).warm_up()
        raise LookupError

    with pytest.raises(LookupError):
        run(settings_for(sqlite_url, tmp_path), scenario)
    assert seen[0].get(HashPool)._executor is None


def test_building_services_opens_nothing(tmp_path: Path) -> None:
    Context(settings_for(f"sqlite+aiosqlite:///{tmp_path / 'ostiary.db'}", tmp_path), FEATURES)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Any]:
    """Start `ostiary serve` without waiting for it."""
    with ExitStack() as stack:

        def start(**changes: Any) -> ServerProcess:
            settings = Settings(port=0, hash_threads=1, **{**CHEAP, **changes})
            server = start_process(["-m", "ostiary.cli", "serve"], environment_of(settings), tmp_path)
            stack.callback(server.stop)
            return server

        yield start


def test_two_servers_that_start_at_once_on_a_fresh_directory_share_everything(launch: Any, tmp_path: Path) -> None:
    # The same issuer, as servers behind one address have.
    servers = [launch(data_dir=tmp_path / "data", issuer="http://localhost") for _ in range(2)]
    for server in servers:
        server.wait_until_ready()
    keys = [httpx.get(f"{server.url}/.well-known/jwks.json").json()["keys"] for server in servers]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 1
    one, other = (server.url for server in servers)
    assert httpx.post(f"{one}/register", json=USER).status_code == 201
    bearer = {"Authorization": f"Bearer {httpx.post(f'{other}/login', json=USER).json()['access_token']}"}
    assert httpx.get(f"{one}/protected", headers=bearer).status_code == 200
    assert httpx.post(f"{one}/logout", headers=bearer).status_code == 200
    assert httpx.get(f"{other}/protected", headers=bearer).status_code == 401


def example_administrator(url: str) -> dict[str, str] | None:
    """The credentials that Swagger UI is given by a server."""
    script = httpx.get(f"{url}/docs/initializer.js").text
    found: dict[str, str] | None = json.loads(script.partition(" = ")[2].partition(";\n")[0])
    return found


def test_every_worker_knows_the_example_administrator(launch: Any) -> None:
    server = launch(workers=2)
    server.wait_until_ready()
    credentials = example_administrator(server.url)
    for _ in range(8):  # each on a connection of its own
        assert example_administrator(server.url) == credentials
        tokens = httpx.post(f"{server.url}/login", json=credentials).json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert httpx.get(f"{server.url}/protected/admin", headers=bearer).status_code == 200
    assert server.output.count("the example administrator was made") == 1
    assert credentials is not None
    assert credentials["password"] not in server.output


def test_a_server_that_others_can_reach_has_no_example_administrator(launch: Any, tmp_path: Path) -> None:
    server = launch(host="0.0.0.0", data_dir=tmp_path / "data")
    server.wait_until_ready()
    here = f"http://127.0.0.1:{urlsplit(server.url).port}"
    assert example_administrator(here) is None
    with sqlite3.connect(tmp_path / "data" / "ostiary.db") as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_with_another_secret_than_the_database_says_so_and_ends(
    launch: Any, make_app: MakeApp, database_url: str, workers: int
) -> None:
    app = make_app(database_url)
    app.run(app.services.start)
    server = launch(database_url=database_url, secret_key=SECRET + " changed", workers=workers)
    assert server.process.wait(30) == 1
    server.stop()
    (line,) = [line for line in server.output.splitlines() if line.startswith("ostiary: ")]
    assert "OSTIARY_SECRET_KEY is not the one under which it was sealed. Set the former secret" in line
    assert "listens at" not in server.output
    assert "Traceback" not in server.output


def test_a_server_whose_database_cannot_be_reached_says_so_and_ends(launch: Any, postgres_at_closed_port: str) -> None:
    server = launch(database_url=postgres_at_closed_port, secret_key=SECRET)
    assert server.process.wait(30) == 1
    server.stop()
    (line,) = [line for line in server.output.splitlines() if line.startswith("ostiary: ")]
    assert line.endswith(" cannot be used: Connection refused; start it, or correct OSTIARY_DATABASE_URL")
    assert "Traceback" not in server.output


@pytest.fixture
def postgres_at_closed_port() -> str:
    return make_url("postgresql+asyncpg://ostiary:hidden@127.0.0.1:1/ostiary").render_as_string(hide_password=False)
