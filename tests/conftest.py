"""Fixtures that everything shares."""

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import greenlet
import hypothesis
import pytest
import structlog
from flask import has_request_context, request
from flask.testing import FlaskClient
from httpx._config import DEFAULT_TIMEOUT_CONFIG

from ostiary.core.hash_pool import HashPool
from ostiary.feature import Context, Feature
from ostiary.features import FEATURES
from ostiary.features.actors.service import Actors
from ostiary.server.flask_app import LoopFlask
from ostiary.settings import Settings
from ostiary.web.admission import is_marked
from ostiary.web.guards import caller
from tests.support.assembling import flask_of
from tests.support.clock import FakeClock
from tests.support.databases import KINDS, Databases
from tests.support.servers import ServerProcess, running
from tests.support.settings import environment_of, settings_for

# Both limits are of time, which benchmarks/ measures on purpose; a busy machine is no reason for a test to fail.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


for _kind in ("connect", "read", "write", "pool"):  # 5 s is too little for a busy machine, and no client here says more
    setattr(DEFAULT_TIMEOUT_CONFIG, _kind, 60.0)


@pytest.fixture(scope="session", autouse=True)
def _greenlets_outlive_their_threads() -> Iterator[None]:
    """Keep coverage from hanging on CPython 3.11.

    When a thread that has used greenlets ends, its main greenlet is freed in a pending call, where coverage's weak
    references to greenlets run Python code; traced in a pending call, CPython 3.11 may loop for ever or miss builtins.
    So they are kept. Coverage asks each traced thread for its greenlet, so this concerns every thread.
    """
    if sys.gettrace() is None or sys.version_info >= (3, 12):
        yield
        return
    kept = []
    begin = threading.Thread._bootstrap_inner

    def keep_and_begin(thread: threading.Thread) -> None:
        # Twice: for one reference greenlet searches the whole heap in the pending call, and imports a module to do so.
        kept.append([greenlet.getcurrent()] * 2)
        begin(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "_bootstrap_inner", keep_and_begin)
        yield


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard() -> None:
    """A shell has what it starts in the background ignore SIGINT, and so would every server that a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    found = Databases(tmp_path_factory.mktemp("databases"))
    yield found
    found.close()


@pytest.fixture(
    params=[KINDS[0], pytest.param(KINDS[1], marks=[pytest.mark.postgres, pytest.mark.uncounted])],
)
def database_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A migrated database of the test's own; the test runs once on each kind.

    What there is for PostgreSQL alone is counted as covered by the tests for PostgreSQL alone.
    """
    with databases.new(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def sqlite_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A migrated SQLite file of the test's own, where the kind of database does not matter."""
    with databases.new("sqlite", tmp_path) as url:
        yield url


@pytest.fixture
def postgres(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    with databases.new(KINDS[1], tmp_path) as url:
        yield url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class App:
    """An application in this process, over its WSGI bridge, with the services behind it."""

    def __init__(self, settings: Settings, services: Context, flask: LoopFlask, clock: FakeClock) -> None:
        self.settings = settings
        self.services = services
        self.flask = flask
        self.clock = clock
        self.client: FlaskClient = flask.test_client()

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run an async function on the application's loop."""
        return self.flask.async_to_sync(function)(*args)


MakeApp = Callable[..., App]


def _refuse_unmarked_hashing(services: Context, flask: LoopFlask) -> None:
    """Fail every request that hashes a password in a view without `@hashes`: such a view would not be refused when too
    many wait.
    """
    run = services.get(HashPool).run

    async def checked(work: Callable[[], Any]) -> Any:
        if has_request_context():
            assert is_marked(flask.view_functions[request.endpoint or ""]), f"{request.endpoint} hashes without @hashes"
        return await run(work)

    services.get(HashPool).run = checked  # type: ignore[method-assign]


def _refuse_writes_of_nobody(services: Context) -> None:
    """Fail every request that somebody sends and that writes otherwise than on behalf of them: such a write would not
    ask again whether they may.
    """
    asked_again: ContextVar[bool] = ContextVar("asked_again", default=False)
    write, actors = services.database.write, services.get(Actors)

    def on_behalf(of: Callable[..., Any]) -> Callable[..., Any]:
        async def asking(*args: Any, **kwargs: Any) -> Any:
            token = asked_again.set(True)
            try:
                return await of(*args, **kwargs)
            finally:
                asked_again.reset(token)

        return asking

    async def checked(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        sent_by_somebody = has_request_context() and caller() is not None and request.method not in ("GET", "HEAD")
        name = getattr(work, "__qualname__", repr(work))
        assert asked_again.get() or not sent_by_somebody or name.startswith(UPKEEP), f"{name} is on behalf of nobody"
        return await write(work, *args, **kwargs)

    services.database.write = checked  # type: ignore[method-assign, assignment]
    actors.write = on_behalf(actors.write)  # type: ignore[method-assign]
    actors.write_revoking = on_behalf(actors.write_revoking)  # type: ignore[method-assign]


UPKEEP = ("Idempotency.", "Claim.", "Accounts._upgrade_hash", "LastUsedWriter.")
"""What the server writes for itself while it serves a request."""


@contextmanager
def _app(settings: Settings, clock: FakeClock, features: Iterable[Feature]) -> Iterator[App]:
    services = Context(settings, features, clock=clock)
    flask = flask_of(services)
    app = App(settings, services, flask, clock)
    _refuse_unmarked_hashing(services, flask)
    _refuse_writes_of_nobody(services)
    try:
        yield app
    finally:
        app.run(services.stop)


@pytest.fixture
def make_app(clock: FakeClock, tmp_path: Path) -> Iterator[MakeApp]:
    """Make applications with settings of choice: make_app(url, session_seconds=5)."""
    with ExitStack() as stack:

        def make(url: str, *, features: Iterable[Feature] = FEATURES, **changes: Any) -> App:
            return stack.enter_context(_app(settings_for(url, tmp_path, **changes), clock, features))

        yield make


@pytest.fixture
def app(make_app: MakeApp, database_url: str) -> App:
    """An application on each kind of database."""
    return make_app(database_url)


@pytest.fixture
def sqlite_app(make_app: MakeApp, sqlite_url: str) -> App:
    """An application on SQLite, where the kind of database does not matter."""
    return make_app(sqlite_url)


StartServer = Callable[..., ServerProcess]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start `ostiary serve` processes: start_server(url, workers=2)."""
    with ExitStack() as stack:

        def start(url: str, **changes: Any) -> ServerProcess:
            settings = settings_for(url, tmp_path, **{"port": 0, **changes})
            return stack.enter_context(running(["serve"], environment_of(settings), tmp_path))

        yield start


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    """Put the logging of the process back as it was, for tests that configure it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("sqlalchemy", "aiosqlite", "asyncio")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in quiet.items():
        logging.getLogger(name).setLevel(was)
    structlog.reset_defaults()
