"""Several workers: one that dies is replaced, one that cannot live ends the whole, none outlives the supervisor."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from api.server.process import QUICK_DEATH, Process, _Supervisor
from tests.server.conftest import APP, Start
from tests.support.raw_http import get
from tests.support.servers import ServerProcess
from tests.support.waiting import until


def _children(server: ServerProcess) -> set[int]:
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return {int(pid) for pid in listed.split()}


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _pid_of(url: str) -> int:
    """The worker that takes a new connection; 0 if it died before the whole of its answer was out."""
    try:
        return int(get(url, "/pid"))
    except (ConnectionError, IndexError, ValueError):
        return 0


def test_connections_are_spread_over_the_workers(serve: Start) -> None:
    server = serve("--workers", "2")

    assert {_pid_of(server.url) for _ in range(64)} == _children(server)
    assert len(_children(server)) == 2


def test_a_socket_shared_by_all_workers_does_as_well(serve: Start) -> None:
    server = serve("--workers", "2", "--shared-socket")

    assert {_pid_of(server.url) for _ in range(20)} <= _children(server)
    assert server.stop() == 0


def test_a_worker_that_is_killed_is_replaced_while_the_others_serve(serve: Start) -> None:
    server = serve("--workers", "2")
    time.sleep(QUICK_DEATH + 0.5)
    before = _children(server)
    victim = min(before)
    served: list[int] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            served.append(_pid_of(server.url))

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(_children(server) - {victim}) == 2)
        (new,) = _children(server) - before
        until(lambda: {new, *before} - {victim} <= set(served))
    finally:
        done.set()
        asking.join()

    assert served.count(0) <= 1  # the request that the victim was answering, at most
    assert "a worker died and is started again" in server.output
    assert server.stop() == 0
    assert not any(_runs(pid) for pid in {*before, new})


def test_workers_end_in_order_when_their_supervisor_is_killed(serve: Start) -> None:
    server = serve("--workers", "2")
    workers = _children(server)

    server.process.kill()
    server.process.wait()

    try:
        until(lambda: not any(_runs(pid) for pid in workers))
    finally:
        for pid in filter(_runs, workers):
            os.kill(pid, signal.SIGKILL)
    server.stop()
    assert server.output.count("stopped") == 2


def test_a_worker_that_dies_at_once_is_not_started_again_for_ever(serve: Start) -> None:
    server = serve("--workers", "2")
    workers = _children(server)

    os.kill(min(workers), signal.SIGKILL)

    if server.process.wait(30) == 0:  # the machine was too slow: it had lived long enough to be replaced
        pytest.fail(server.output)
    assert server.stop() == 1
    assert "a worker failed soon after its start" in server.output
    assert not any(_runs(pid) for pid in workers)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_that_cannot_be_started_says_why_and_ends_with_an_error(start: Start, workers: str) -> None:
    server = start(*APP, "--workers", workers, "--start", "badly")
    assert server.process.wait(30) == 3
    server.stop()
    assert "cannot be started" in server.output
    assert "Traceback" not in server.output
    assert "listens at" not in server.output


def test_one_worker_that_cannot_be_started_ends_the_others(start: Start) -> None:
    server = start(*APP, "--workers", "2", "--start", "first-badly")
    assert server.process.wait(30) == 3
    server.stop()
    assert "listens at" not in server.output
    assert "cannot be started" in server.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_application_that_cannot_be_built_ends_with_an_error(start: Start, workers: str) -> None:
    server = start(*APP, "--workers", workers, "--build", "badly")
    assert server.process.wait(30) != 0
    server.stop()
    assert "cannot be built" in server.output


def test_a_signal_while_the_workers_start_ends_them(start: Start) -> None:
    server = start(*APP, "--workers", "2", "--start", "slowly")
    server.wait_for_output("starting")
    workers = until(lambda: len(_children(server)) == 2 and _children(server))
    assert server.stop() == 0
    assert not any(_runs(pid) for pid in workers)
    assert "listens at" not in server.output


def test_it_is_ready_only_when_every_worker_answers(serve: Start) -> None:
    server = serve("--workers", "2", "--start", "slowly")

    assert server.output.index("listens at") > server.output.rindex("started")
    assert get(server.url, "/sleep/0.0") == "slept"


def test_no_worker_is_started_once_it_is_stopping() -> None:
    supervisor = _Supervisor(lambda: None, Process("127.0.0.1", 0, 2, 10), [], lambda: None)
    supervisor._stop(signal.SIGTERM, None)  # as if the signal came when a worker has just died
    supervisor._fork(0, None)

    assert supervisor._workers == {}
    os.close(supervisor._lifeline)
    os.close(supervisor._lifeline_end)
