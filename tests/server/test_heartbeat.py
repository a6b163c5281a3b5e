"""A worker whose loop stands still is noticed, says where it hangs, and is replaced."""

import os
import signal
import time

import pytest

from ostiary.server.options import Process
from tests.server.conftest import Start
from tests.support.raw_http import connect, get, request
from tests.support.servers import ServerProcess, children, runs
from tests.support.waiting import until

WORKERS = pytest.mark.parametrize("workers", [1, 2])
HANGS = "a worker hangs and is replaced"


def _is_renewed(server: ServerProcess, victim: int, workers: int) -> bool:
    return victim not in children(server) and len(children(server)) == workers


def test_a_worker_may_be_silent_for_30_seconds() -> None:
    assert Process("127.0.0.1", 0, 1, 8).heartbeat_seconds == 30


@WORKERS
def test_a_suspended_worker_is_replaced(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), "--heartbeat", "1.5")
    victim = min(children(server))

    os.kill(victim, signal.SIGSTOP)

    until(lambda: _is_renewed(server, victim, workers))
    assert server.output.count(HANGS) == 1
    assert {get(server.url, "/sleep/0.0") for _ in range(16)} == {"slept"}
    assert server.stop() == 0


@WORKERS
def test_a_worker_whose_loop_is_blocked_tells_where_and_is_replaced(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), "--heartbeat", "1.5")
    before = children(server)

    with connect(server.url) as connection:
        connection.sendall(request("GET", "/block/600.0"))
        server.wait_for_output(HANGS)
    until(lambda: len(children(server)) == workers and len(children(server) - before) == 1)

    assert "in block_the_loop" in server.output
    assert {get(server.url, "/sleep/0.0") for _ in range(16)} == {"slept"}
    assert server.output.count(HANGS) == 1
    assert server.stop() == 0


def test_others_take_the_connections_of_a_silent_worker_before_it_is_replaced(serve: Start) -> None:
    server = serve("--workers", "2")
    victim = min(children(server))

    os.kill(victim, signal.SIGSTOP)
    server.wait_for_output("others cover for a worker")

    assert {get(server.url, "/sleep/0.0") for _ in range(32)} == {"slept"}
    os.kill(victim, signal.SIGCONT)
    server.wait_for_output("a worker serves again")
    until(lambda: str(victim) in {get(server.url, "/pid") for _ in range(16)})
    assert HANGS not in server.output


def test_a_busy_worker_is_left_alone(serve: Start) -> None:
    server = serve("--workers", "1", "--heartbeat", "4")
    before = children(server)

    assert get(server.url, "/block/2.0") == "blocked"
    assert children(server) == before


def test_a_container_that_was_paused_goes_on_with_the_same_workers(serve: Start) -> None:
    server = serve("--workers", "2", "--heartbeat", "1.5")
    workers = children(server)
    everyone = [server.process.pid, *workers]

    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(3)
    for pid in reversed(everyone):
        os.kill(pid, signal.SIGCONT)

    assert {get(server.url, "/sleep/0.0") for _ in range(16)} == {"slept"}
    assert children(server) == workers
    assert HANGS not in server.output


@WORKERS
def test_a_stop_ends_a_hanging_worker_too(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), "--drain", "1")
    victim = min(children(server))
    os.kill(victim, signal.SIGSTOP)

    started = time.monotonic()
    assert server.stop() == 0

    assert time.monotonic() - started < 20  # 1 + 5 seconds, and the machine may be busy
    assert not runs(victim)
    assert "a worker did not end in time and is killed" in server.output
