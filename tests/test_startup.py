"""A worker that starts while its database is away: it serves what needs none, and everything once it is back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy.engine import make_url

from ostiary.app import create_asgi, prepare
from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.core.startup import Startup
from ostiary.server.asgi import AsgiApp
from ostiary.settings import Settings
from tests.support.asgi import Answer, call, lifespan
from tests.support.freezing_proxy import FreezingProxy, proxied
from tests.support.settings import settings_for
from tests.support.waiting import eventually

BODY = b'{"username": "ada", "password": "correct horse battery"}'
JSON = {"Content-Type": "application/json", "Content-Length": str(len(BODY))}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.core.startup.FIRST_PAUSE_SECONDS", 0.02)


async def post(app: AsgiApp, path: str) -> int:
    answer = await call(app, path, "POST", headers=JSON, chunks=[BODY])
    assert answer is not None
    return answer.status


async def get(app: AsgiApp, path: str) -> Answer:
    answer = await call(app, path)
    assert answer is not None
    return answer


async def is_ready(app: AsgiApp) -> bool:
    return (await get(app, "/readyz")).status == 200


async def becomes_ready(app: AsgiApp) -> None:
    async with asyncio.timeout(30):
        while not await is_ready(app):  # noqa: ASYNC110 - only a request can tell
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("_logging_restored")
def test_a_file_that_is_away_at_the_start(sqlite_url: str, tmp_path: Path) -> None:
    settings = prepare(settings_for(sqlite_url, tmp_path))
    file, away = Path(make_url(sqlite_url).database or ""), tmp_path / "away"

    def take_away() -> None:
        away.mkdir()
        for one in tmp_path.glob("ostiary.db*"):
            one.rename(away / one.name)
        file.mkdir()  # so that nobody makes a new one

    def put_back() -> None:
        file.rmdir()
        for one in away.iterdir():
            one.rename(tmp_path / one.name)

    async def scenario() -> None:
        app = create_asgi(settings)
        take_away()
        with structlog.testing.capture_logs() as logs:
            async with lifespan(app):
                assert not await is_ready(app)
                assert (await get(app, "/healthz")).status == 200
                assert await post(app, "/login") == DATABASE_UNAVAILABLE.status
                put_back()
                await becomes_ready(app)
                assert await post(app, "/register") == 201
                assert await post(app, "/login") == 200
        told = [entry["event"] for entry in logs]
        assert told.count("started without the database; requests that need it are refused") == 1
        assert told.count("the start is complete: the database is back") == 1

    asyncio.run(scenario())


@pytest.fixture
def proxy(postgres: str) -> Iterator[FreezingProxy]:
    url = make_url(postgres)
    with proxied((url.host or "127.0.0.1", url.port or 5432)) as proxy:
        yield proxy


@pytest.fixture
def settings(postgres: str, proxy: FreezingProxy, tmp_path: Path) -> Settings:
    url = make_url(postgres).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    return prepare(settings_for(url, tmp_path, database_timeout=30))


@pytest.mark.postgres
@pytest.mark.usefixtures("_logging_restored")
@pytest.mark.parametrize("how", ["refuse", "freeze"])
def test_a_postgresql_that_is_away_at_the_start(settings: Settings, proxy: FreezingProxy, how: str) -> None:
    async def scenario() -> None:
        app = create_asgi(settings)
        getattr(proxy, how)()
        async with lifespan(app):
            assert not await is_ready(app)
            assert (await get(app, "/healthz")).status == 200
            assert await post(app, "/login") == DATABASE_UNAVAILABLE.status
            (proxy.accept if how == "refuse" else proxy.thaw)()
            await becomes_ready(app)
            assert await post(app, "/register") == 201
            assert await post(app, "/login") == 200

    asyncio.run(scenario())


@pytest.mark.usefixtures("_logging_restored")
def test_a_worker_that_is_stopped_before_its_database_is_back_ends(sqlite_url: str, tmp_path: Path) -> None:
    settings = settings_for(sqlite_url + ".none/none", tmp_path)

    async def scenario() -> None:
        async with lifespan(create_asgi(settings)):
            pass
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


def test_a_fault_that_shows_later_is_logged_and_it_is_tried_again() -> None:
    outcomes: list[Exception | None] = [DATABASE_UNAVAILABLE(), DATABASE_UNAVAILABLE(), LookupError("a fault"), None]

    async def load() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    async def scenario() -> None:
        startup = Startup()
        with structlog.testing.capture_logs() as logs:
            await startup.begin(load)
            assert startup.is_pending
            await eventually(lambda: not startup.is_pending)
            await startup.stop()
        assert "the start could not be completed; retrying" in [entry["event"] for entry in logs]

    asyncio.run(scenario())


def test_a_fault_at_the_start_comes_through() -> None:
    async def load() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(Startup().begin(load))
