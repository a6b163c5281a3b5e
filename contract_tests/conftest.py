"""Options and fixtures: a server started as a user would, or the one at --base-url."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import files
from .deployment import Deployment
from .people import Credentials, User, register
from .removal import remove_users
from .server import QUICK, create_administrator, create_service_client, ostiary, running
from .services import ServiceClient

LINES = pytest.StashKey[list[str]]()
FAILURES = pytest.StashKey[list[files.Failure]]()
DEPLOYMENT = pytest.StashKey[Deployment]()
ADMIN_USERNAME = "CONTRACT_ADMIN_USERNAME"
ADMIN_PASSWORD = "CONTRACT_ADMIN_PASSWORD"
CLIENT_ID = "CONTRACT_CLIENT_ID"
CLIENT_SECRET = "CONTRACT_CLIENT_SECRET"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the contract tests of Ostiary")
    group.addoption("--base-url", help="test the deployment at this address instead of starting a server")
    group.addoption("--seed", default="1", help="the seed of generated cases: a number, or `random` (default: 1)")
    group.addoption("--max-examples", type=int, default=150, help="generated cases per operation (default: 150)")
    group.addoption(
        "--time-budget",
        type=int,
        metavar="SECONDS",
        help="run every phase once with few cases, then generate cases until this time is used up",
    )
    group.addoption(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help=f"write {files.HTML}, {files.TESTS} and {files.ANSWERS} (JUnit) into this directory",
    )
    group.addoption(
        "--admin-username",
        default=os.environ.get(ADMIN_USERNAME),
        help=f"an administrator of the deployment at --base-url (or {ADMIN_USERNAME})",
    )
    group.addoption(
        "--admin-password",
        default=os.environ.get(ADMIN_PASSWORD),
        help=f"the administrator's password (rather in {ADMIN_PASSWORD}, which no process list shows)",
    )

    group.addoption(
        "--client-id",
        default=os.environ.get(CLIENT_ID),
        help=f"a service client of the deployment at --base-url (or {CLIENT_ID})",
    )
    group.addoption(
        "--client-secret",
        default=os.environ.get(CLIENT_SECRET),
        help=f"the service client's secret (rather in {CLIENT_SECRET}, which no process list shows)",
    )


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment at --base-url, or one of the suite's own, fresh, with one administrator and one service client.

    Whoever the run has registered is removed at its end.
    """
    given = request.config.getoption("--base-url")
    if given:
        option = request.config.getoption
        name, password = option("--admin-username"), option("--admin-password")
        client_id, secret = option("--client-id"), option("--client-secret")
        administrator = Credentials(name, password) if name and password else None
        service = ServiceClient(client_id, secret) if client_id and secret else None
        yield from _used(request.config, Deployment.at(given.rstrip("/"), administrator, service))
        return
    directory: Path = tmp_path_factory.mktemp("ostiary")
    administrator = Credentials.throwaway("admin")
    create_administrator(QUICK, directory, administrator)
    service = create_service_client(QUICK, directory)
    with running([*ostiary(), "serve"], QUICK, directory) as server:
        yield from _used(request.config, Deployment.at(server.url, administrator, service, server))


def _used(config: pytest.Config, deployment: Deployment) -> Iterator[Deployment]:
    config.stash[DEPLOYMENT] = deployment
    yield deployment
    config.stash[LINES].append(remove_users(deployment.base_url, deployment.watch, deployment.administrator))


@pytest.fixture(scope="session")
def people(deployment: Deployment) -> Iterator[list[User]]:
    """Two users registered for this run, who are strangers to each other; then the administrator, if one is known."""
    with deployment.client() as client:
        found = [register("alice", client), register("bob", client)]
        if deployment.administrator:
            found.append(User("administrator", client, deployment.administrator))
        yield found


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of generated cases."""
    given = request.config.getoption("--seed")
    return int.from_bytes(os.urandom(4)) if given == "random" else int(given)


@pytest.fixture(scope="session")
def max_examples(request: pytest.FixtureRequest) -> int:
    """How many cases are generated for each operation."""
    found: int = request.config.getoption("--max-examples")
    return found


@pytest.fixture(scope="session")
def time_budget(request: pytest.FixtureRequest) -> int | None:
    """Seconds for generated cases, if there is a budget."""
    found: int | None = request.config.getoption("--time-budget")
    return found


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Write a line to the terminal at once, whatever pytest captures."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def write(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)

    return write


@pytest.fixture(scope="session")
def lines(request: pytest.FixtureRequest) -> list[str]:
    """Lines to print at the end of the run, whatever pytest captures."""
    return request.config.stash[LINES]


@pytest.hookimpl(tryfirst=True)  # before pytest's own JUnit plugin looks whether it has a file to write
def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []
    config.stash[FAILURES] = []
    directory: Path | None = config.getoption("--report-dir")
    if directory is not None and not config.option.xmlpath:
        config.option.xmlpath = str(directory.absolute() / files.TESTS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
    if config.getoption("--base-url"):
        left_out = [item for item in items if item.get_closest_marker("own_server")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield
    if report.failed:
        item.config.stash[FAILURES].append(files.Failure(f"{report.nodeid} ({report.when})", report.longreprtext))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    deployment = config.stash.get(DEPLOYMENT, None)
    if deployment is None:
        return
    terminalreporter.section("contract")
    for line in (*files.table(deployment.watch), *config.stash[LINES]):
        terminalreporter.write_line(line)
    directory: Path | None = config.getoption("--report-dir")
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        files.write_page(
            directory / files.HTML,
            deployment.base_url,
            deployment.watch,
            config.stash[FAILURES],
            config.stash[LINES],
        )
        files.write_answers(directory / files.ANSWERS, deployment.watch, needed=deployment.process is not None)
        terminalreporter.write_line(f"contract report: {directory / files.HTML}")
