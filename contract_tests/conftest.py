"""Options and fixtures: a server started as a user would, or the one at --base-url."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract_tests.people import Credentials, User, register
from contract_tests.server import QUICK, ServerProcess, create_administrator, ostiary, running

LINES = pytest.StashKey[list[str]]()
ADMIN_USERNAME = "CONTRACT_ADMIN_USERNAME"
ADMIN_PASSWORD = "CONTRACT_ADMIN_PASSWORD"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the contract tests of Ostiary")
    group.addoption("--base-url", help="test the deployment at this address instead of starting a server")
    group.addoption("--seed", default="1", help="the seed of generated cases: a number, or `random` (default: 1)")
    group.addoption("--max-examples", type=int, default=150, help="generated cases per operation (default: 150)")
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


@dataclass(frozen=True)
class Deployment:
    """What is tested: where it is, who its administrator is if one is known, its process if the suite started it."""

    base_url: str
    administrator: Credentials | None
    process: ServerProcess | None
    contract: dict[str, Any] = field(repr=False)

    @property
    def operations(self) -> dict[str, dict[str, Any]]:
        """The operations of the contract, named like `POST /login`."""
        return {
            f"{method.upper()} {path}": operation
            for path, item in self.contract["paths"].items()
            for method, operation in item.items()
            if method != "parameters"
        }

    @property
    def privileged(self) -> list[str]:
        """The operations that need a role, by what they answer to somebody without it."""
        return [label for label, found in self.operations.items() if "insufficient_role" in str(found["responses"])]


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment at --base-url, or one of the suite's own, fresh, with one administrator."""
    given = request.config.getoption("--base-url")
    if given:
        name, password = (request.config.getoption(option) for option in ("--admin-username", "--admin-password"))
        yield _deployment(given.rstrip("/"), Credentials(name, password) if name and password else None, None)
        return
    directory: Path = tmp_path_factory.mktemp("ostiary")
    administrator = Credentials.throwaway("admin")
    create_administrator(QUICK, directory, administrator)
    with running([*ostiary(), "serve"], QUICK, directory) as server:
        yield _deployment(server.url, administrator, server)


def _deployment(base_url: str, administrator: Credentials | None, process: ServerProcess | None) -> Deployment:
    contract = httpx.get(base_url + "/openapi.json", timeout=30).raise_for_status().json()
    return Deployment(base_url, administrator, process, contract)


@pytest.fixture(scope="session")
def people(deployment: Deployment) -> Iterator[list[User]]:
    """Two users registered for this run, who are strangers to each other; then the administrator, if one is known."""
    found = [register("alice", deployment.base_url), register("bob", deployment.base_url)]
    if deployment.administrator:
        found.append(User("administrator", deployment.base_url, deployment.administrator))
    yield found
    for user in found:
        user.close()


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
def lines(request: pytest.FixtureRequest) -> list[str]:
    """Lines to print at the end of the run, whatever pytest captures."""
    return request.config.stash[LINES]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[LINES]:
        terminalreporter.section("contract")
        for line in config.stash[LINES]:
            terminalreporter.write_line(line)
