"""Servers for what is generated and imported to talk to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from contract_tests.server import QUICK, ostiary, running


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """A function that starts a server as a user does, with data of its own, and returns its address."""
    with ExitStack() as servers:

        def start() -> str:
            directory: Path = tmp_path_factory.mktemp("ostiary")
            return servers.enter_context(running([*ostiary(), "serve"], QUICK, directory)).url

        yield start


@pytest.fixture(scope="session")
def server(start_server: Callable[[], str]) -> str:
    """The address of a server that tests share; each registers a name of its own."""
    return start_server()
