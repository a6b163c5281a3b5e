"""One Ostiary behind real proxies."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.programs import program
from tests.support.proxies import proxy
from tests.support.servers import ServerProcess, running
from tests.support.settings import CHEAP

DIRECT = "direct"
SETTINGS = {
    **{f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()},
    "OSTIARY_PORT": "0",
    "OSTIARY_WORKERS": "2",
    "OSTIARY_TRUSTED_PROXIES": "127.0.0.1",
    "OSTIARY_CONTRACT_CHECKS": "off",
    "OSTIARY_LOG_LEVEL": "warning",
}


@pytest.fixture(scope="package")
def ostiary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Two workers that believe the proxies of this machine."""
    with running(["serve"], SETTINGS, tmp_path_factory.mktemp("ostiary")) as server:
        yield server


class Proxies:
    """Proxies in front of one server, each started when first asked for."""

    def __init__(self, server: ServerProcess, factory: pytest.TempPathFactory, stack: ExitStack) -> None:
        self._server = server
        self._factory = factory
        self._stack = stack
        self._urls = {DIRECT: server.url}

    def url(self, name: str) -> str:
        """The URL of the proxy called `name`; that of Ostiary itself for `direct`."""
        if name not in self._urls:
            directory = self._factory.mktemp(name)
            self._urls[name] = self._stack.enter_context(proxy(name, self._server.url, directory))
        return self._urls[name]


@pytest.fixture(scope="package")
def proxies(ostiary: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    with ExitStack() as stack:
        yield Proxies(ostiary, tmp_path_factory, stack)


@pytest.fixture(scope="package")
def java_client(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs tests/attacks/java/Client.java, compiled."""
    java, javac = program("java"), program("javac")
    directory = tmp_path_factory.mktemp("java")
    source = Path(__file__).with_name("java") / "Client.java"
    subprocess.run([javac, "-d", str(directory), str(source)], check=True, timeout=120)
    return [java, "-Xshare:auto", "-cp", str(directory), "Client"]
