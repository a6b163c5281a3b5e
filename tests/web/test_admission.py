"""Operations that hash passwords are refused early while too many wait."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from ostiary.core.hash_pool import HashPool
from ostiary.core.problems import OVERLOADED
from ostiary.feature import Context, Feature
from ostiary.features import FEATURES
from ostiary.features.accounts.service import Accounts
from ostiary.server.asgi import AsgiApp
from ostiary.web.admission import Admission, is_marked
from ostiary.web.blueprint import Blueprint
from ostiary.web.guards import public
from ostiary.web.openapi import contract
from ostiary.web.provide import provided
from tests.conftest import App, MakeApp
from tests.support.asgi import call, lifespan, scope_of
from tests.support.assembling import flask_of
from tests.support.settings import settings_for

BODY = b'{"username": "ada", "password": "correct horse battery"}'
JSON = {"Content-Type": "application/json", "Content-Length": str(len(BODY))}
FULL = {"hash_threads": 1, "hash_queue": 1}


@contextmanager
def statements_of(services: Context) -> Iterator[list[str]]:
    seen: list[str] = []
    engines = {services.database._reader.sync_engine, services.database._writer.sync_engine}

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


@asynccontextmanager
async def full(services: Context) -> AsyncIterator[None]:
    """Let the pool be full for the block."""
    release = threading.Event()
    waiting = [asyncio.ensure_future(services.get(HashPool).run(release.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        release.set()
        await asyncio.gather(*waiting)


@asynccontextmanager
async def serving(database_url: str, directory: Any) -> AsyncIterator[tuple[AsgiApp, Context]]:
    settings = settings_for(database_url, directory, **FULL)
    services = Context(settings, FEATURES)
    flask = flask_of(services)
    refuse = Admission(flask, services.get(HashPool)).refuse
    app = AsgiApp(flask, max_body=65536, start=services.start, stop=services.stop, refuse=refuse)
    async with lifespan(app):
        yield app, services


def test_what_the_contract_may_answer_overloaded_is_marked_and_asked_about(sqlite_app: App) -> None:
    flask = sqlite_app.flask
    with flask.app_context():
        operations = contract().document["paths"]
    described = {
        (method.upper(), path)
        for path, methods in operations.items()
        for method, operation in methods.items()
        if method != "parameters" and "overloaded" in json.dumps(operation.get("responses", {}).get("503", {}))
    }
    marked = {
        (method, rule.rule)
        for rule in flask.url_map.iter_rules()
        if is_marked(flask.view_functions[rule.endpoint])
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == marked
    assert {("POST", "/login"), ("POST", "/register"), ("POST", "/users"), ("POST", "/me/password")} <= marked


def test_a_view_that_hashes_without_the_mark_fails_its_tests(
    make_app: MakeApp, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Blueprint("own", __name__)

    @own.route("/own", methods=["POST"])
    @public
    @own.response(204)
    async def hash_something() -> str:
        """Hash something."""
        return await provided(Accounts).hash_new("correct horse battery", "ada")

    feature = Feature(name="own", blueprints=(own,))
    app = make_app(sqlite_url, features=(*FEATURES, feature), contract_checks="off")
    app.flask.config["PROPAGATE_EXCEPTIONS"] = True
    assert app.client.post("/own").status_code == 500


def test_with_a_full_queue_the_head_alone_is_answered(sqlite_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with serving(sqlite_url, tmp_path) as (app, services), full(services):
            with statements_of(services) as statements:
                for path in ("/login", "/register", "/me/password", "/users"):
                    # No byte of the body is ever sent.
                    async with asyncio.timeout(20):
                        answer = await call(app, path, "POST", headers=JSON)
                    assert answer is not None
                    assert answer.status == 503
                    assert json.loads(answer.body) == OVERLOADED().body()
                    assert int(answer.headers.pop("retry-after")) >= 1
                    assert answer.headers == {
                        "content-type": "application/problem+json",
                        "content-length": str(len(answer.body)),
                        "x-content-type-options": "nosniff",
                        "cache-control": "no-store",
                    }
            assert statements == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/login", 405), ("POST", "/login/", 404), ("GET", "/readyz", 200)]
)
def test_other_requests_are_served(sqlite_url: str, tmp_path: Any, method: str, path: str, status: int) -> None:
    async def scenario() -> None:
        async with serving(sqlite_url, tmp_path) as (app, services), full(services):
            answer = await call(app, path, method, headers={"Content-Length": "0"})
            assert answer is not None
            assert answer.status == status

    asyncio.run(scenario())


def test_however_the_path_is_written(sqlite_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with serving(sqlite_url, tmp_path) as (app, services), full(services):
            assert app.refuse_early(scope_of("/%6Cogin", "POST")) is not None

    asyncio.run(scenario())


def test_with_room_in_the_queue_it_is_served(sqlite_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with serving(sqlite_url, tmp_path) as (app, _):
            answer = await call(app, "/register", "POST", headers=JSON, chunks=[BODY])
            assert answer is not None
            assert answer.status == 201

    asyncio.run(scenario())


def test_more_refusals_than_the_pace_allows_are_held_back(
    sqlite_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with serving(sqlite_url, tmp_path) as (app, services), full(services):
            monkeypatch.setattr(services.get(HashPool).refusals, "delay", lambda: 0.3)
            held_back = asyncio.create_task(call(app, "/login", "POST", headers=JSON))
            done, _ = await asyncio.wait({held_back}, timeout=0.05)
            assert not done
            answer = await held_back
            assert answer is not None
            assert answer.status == 503

    asyncio.run(scenario())


def test_under_a_wsgi_server_the_view_refuses_before_it_parses_the_body(make_app: MakeApp, sqlite_url: str) -> None:
    app = make_app(sqlite_url, **FULL)
    block = full(app.services)
    app.run(block.__aenter__)
    try:
        with statements_of(app.services) as statements:
            answer = app.client.post("/login", data=b"{", content_type="application/json")
        assert (answer.status_code, answer.json) == (503, OVERLOADED().body())
        assert int(answer.headers["Retry-After"]) >= 1
        assert statements == []
    finally:
        app.run(block.__aexit__, None, None, None)
