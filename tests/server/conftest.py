"""Real server processes around the small application of tests/support/server_app.py."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from tests.support.servers import ServerProcess, start_process

ROOT = Path(__file__).parents[2]

APP = ("-m", "tests.support.server_app")
GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "gthread", "--no-control-socket")

Start = Callable[..., ServerProcess]


def _start(
    directory: Path, arguments: tuple[str, ...], environment: dict[str, str], through: Sequence[str] = ()
) -> ServerProcess:
    return start_process(list(arguments), {"PYTHONPATH": str(ROOT), **environment}, directory, through)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `python arguments`, without waiting until it serves: start(*APP, "--workers", "2", OSTIARY_…="…").

    through: a command that runs it.
    """
    with ExitStack() as stack:

        def start(*arguments: str, through: Sequence[str] = (), **environment: str) -> ServerProcess:
            server = _start(tmp_path, arguments, environment, through)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def serve(start: Start) -> Start:
    """Serve the small application: serve("--workers", "2")."""

    def serve(*arguments: str, through: Sequence[str] = (), **environment: str) -> ServerProcess:
        server = start(*APP, *arguments, through=through, **environment)
        server.wait_until_ready()
        return server

    return serve


@pytest.fixture(scope="session")
def asgi_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One worker, shared by all tests that leave it as they found it."""
    server = _start(tmp_path_factory.mktemp("asgi"), APP, {})
    server.wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def wsgi_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The same application under gunicorn: one worker with eight threads."""
    application = "tests.support.server_app:make_app()"
    server = _start(tmp_path_factory.mktemp("wsgi"), (*GUNICORN, "--threads", "8", application), {})
    server.wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture(params=["asgi", "wsgi"])
def server(request: pytest.FixtureRequest) -> ServerProcess:
    """Both of them, one after the other."""
    found: ServerProcess = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    with closing(httpx.Client(base_url=server.url, timeout=30)) as client:
        yield client


@pytest.fixture
def asgi_client(asgi_server: ServerProcess) -> Iterator[httpx.Client]:
    with closing(httpx.Client(base_url=asgi_server.url, timeout=30)) as client:
        yield client
