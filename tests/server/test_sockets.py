"""Listening, and what is said when that is not possible."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.server.sockets import CannotListen, listen
from tests.server.conftest import APP, Start
from tests.support.raw_http import address_of
from tests.support.servers import ServerProcess
from tests.support.settings import environment_of, settings_for


def _ports(sockets: list[socket.socket]) -> set[int]:
    ports = {listener.getsockname()[1] for listener in sockets}
    for listener in sockets:
        listener.close()
    return ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_each_worker_gets_a_socket_of_its_own_on_the_same_port() -> None:
    sockets = listen("127.0.0.1", 0, 3)

    assert len({listener.fileno() for listener in sockets}) == 3
    assert len(_ports(sockets)) == 1


def test_where_the_kernel_does_not_spread_connections_all_workers_get_the_same_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    sockets = listen("127.0.0.1", 0, 3)

    assert len({id(listener) for listener in sockets}) == 1
    assert len(sockets) == 3
    _ports(sockets)


def test_ipv6() -> None:
    try:
        sockets = listen("::1", 0, 2)
    except CannotListen:
        pytest.skip("this machine has no IPv6")

    assert {listener.family for listener in sockets} == {socket.AF_INET6}
    _ports(sockets)


@pytest.mark.parametrize("count", [1, 2])
def test_a_port_in_use_is_told_with_its_remedy(taken: int, count: int) -> None:
    with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{taken}: Address already in use; .*--port"):
        listen("127.0.0.1", taken, count)


@pytest.mark.parametrize("count", [1, 2])
def test_another_ostiary_on_the_port_is_noticed_and_not_shared_with(count: int) -> None:
    sockets = listen("127.0.0.1", 0, 2)
    port = sockets[0].getsockname()[1]

    with pytest.raises(CannotListen):
        listen("127.0.0.1", port, count)
    _ports(sockets)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_told_with_its_remedy(host: str) -> None:
    with pytest.raises(CannotListen, match=f"cannot listen on {host}:0: .*--host"):
        listen(host, 0, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_says_so_in_one_line_and_exits_with_1(
    start: Start, taken: int, workers: int, sqlite_url: str, tmp_path: Path
) -> None:
    settings = settings_for(sqlite_url, tmp_path, port=taken, workers=workers, log_level="error")
    server = start("-m", "ostiary.cli", "serve", **environment_of(settings))

    assert server.process.wait(30) == 1
    server.stop()
    (line,) = server.output.splitlines()
    assert line.startswith(f"ostiary: cannot listen on 127.0.0.1:{taken}: ")


def test_a_second_server_on_the_port_of_the_first_is_refused(start: Start, asgi_server: ServerProcess) -> None:
    server = start(*APP, "--port", str(address_of(asgi_server.url)[1]))

    assert server.process.wait(30) != 0
    server.stop()
    assert "Address already in use" in server.output
