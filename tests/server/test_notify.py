"""The service manager hears when the service is ready, renews its workers, ends, and still lives."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ostiary.server.notify import ServiceManager
from tests.server.conftest import Start
from tests.support.servers import children, runs
from tests.support.waiting import until


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd has it, and NOTIFY_SOCKET."""
    address = str(tmp_path / "notify") if request.param == "path" else f"\0ostiary-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(20)
        yield listening, address.replace("\0", "@")


def _next(listening: socket.socket, *, but: str = "WATCHDOG=1") -> str:
    while (message := listening.recv(4096).decode()) == but:
        pass
    return message


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_manager_hears_of_start_renewal_and_stop(
    serve: Start, manager: tuple[socket.socket, str], workers: str
) -> None:
    listening, address = manager
    server = serve("--workers", workers, "--gentle", "0.1", "--start", "slowly", NOTIFY_SOCKET=address)

    assert _next(listening) == "READY=1"
    until(lambda: server.output.count("started") == int(workers))
    server.process.send_signal(signal.SIGHUP)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", _next(listening))
    assert _next(listening) == "READY=1"
    until(lambda: server.output.count("started") == 2 * int(workers))
    assert server.stop() == 0
    assert _next(listening) == "STOPPING=1"


def test_the_watchdog_is_fed_while_no_worker_hangs(serve: Start, manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    server = serve("--workers", "1", "--heartbeat", "2", NOTIFY_SOCKET=address, WATCHDOG_USEC="400000")

    for _ in range(4):
        assert _next(listening, but="READY=1") == "WATCHDOG=1"
    (victim,) = children(server)
    os.kill(victim, signal.SIGSTOP)
    server.wait_for_output("a worker hangs")
    listening.setblocking(False)
    with suppress(BlockingIOError):  # all that came before
        while True:
            listening.recv(4096)
    listening.settimeout(20)
    assert _next(listening, but="") == "WATCHDOG=1"
    assert not runs(victim)


def test_a_watchdog_of_another_process_is_not_ours() -> None:
    given = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000"}

    assert ServiceManager(given).watchdog == 15
    assert ServiceManager({**given, "WATCHDOG_PID": str(os.getpid())}).watchdog == 15
    assert ServiceManager({**given, "WATCHDOG_PID": "1"}).watchdog == 0
    assert ServiceManager({"WATCHDOG_USEC": "30000000"}).watchdog == 0
    assert ServiceManager({**given, "WATCHDOG_USEC": "soon"}).watchdog == 0


def test_a_manager_that_is_gone_does_no_harm(serve: Start, tmp_path: Path) -> None:
    server = serve(NOTIFY_SOCKET=str(tmp_path / "nobody"))

    server.wait_for_output("the service manager cannot be reached")
    assert server.stop() == 0
