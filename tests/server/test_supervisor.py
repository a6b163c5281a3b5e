"""Workers: one that dies is replaced, one that cannot start at first ends the whole, none outlives the supervisor."""

import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.server.conftest import APP, Start
from tests.support.raw_http import connect, get, request
from tests.support.servers import children, runs
from tests.support.waiting import until


def _pid_of(url: str) -> int:
    """The worker that takes a new connection; 0 if it died before the whole of its answer was out."""
    try:
        return int(get(url, "/pid"))
    except (ConnectionError, IndexError, ValueError):
        return 0


def test_connections_are_spread_over_the_workers(serve: Start) -> None:
    server = serve("--workers", "2")

    assert {_pid_of(server.url) for _ in range(64)} == children(server)
    assert len(children(server)) == 2


def test_a_socket_shared_by_all_workers_does_as_well(serve: Start) -> None:
    server = serve("--workers", "2", "--shared-socket")

    assert {_pid_of(server.url) for _ in range(20)} <= children(server)
    assert server.stop() == 0


def test_what_the_start_has_made_is_left_out_of_collections(serve: Start) -> None:
    assert get(serve().url, "/is-looked-through") == "False"


def test_a_worker_that_is_killed_is_replaced_while_the_others_serve(serve: Start) -> None:
    server = serve("--workers", "2")
    before = children(server)
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
        until(lambda: len(children(server) - {victim}) == 2)
        (new,) = children(server) - before
        until(lambda: {new, *before} - {victim} <= set(served))
    finally:
        done.set()
        asking.join()

    assert served.count(0) <= 1  # the request that the victim was answering, at most
    assert "a worker died and is started again" in server.output
    assert server.stop() == 0
    assert not any(runs(pid) for pid in {*before, new})


def test_workers_end_in_order_when_their_supervisor_is_killed(serve: Start) -> None:
    server = serve("--workers", "2")
    workers = children(server)

    server.process.kill()
    server.process.wait()

    try:
        until(lambda: not any(runs(pid) for pid in workers))
    finally:
        for pid in filter(runs, workers):
            os.kill(pid, signal.SIGKILL)
    server.stop()
    assert server.output.count("stopped") == 2


def test_a_worker_that_is_killed_again_and_again_is_replaced_with_a_growing_pause(serve: Start) -> None:
    server = serve("--workers", "2")
    spared, victim = sorted(children(server))

    for _ in range(3):
        os.kill(victim, signal.SIGKILL)
        dead = victim
        (victim,) = until(lambda dead=dead: len(found := children(server) - {spared, dead}) == 1 and found)  # type: ignore[misc]

    assert spared in children(server)
    assert [float(pause) for pause in re.findall(r"pause_seconds=([\d.]+)", server.plain_output)] == [0, 1, 2]
    assert server.stop() == 0


def test_a_replacement_that_cannot_start_leaves_the_others_alone_and_tries_again(serve: Start, tmp_path: Path) -> None:
    server = serve("--workers", "2", "--start", "badly-if-told")
    spared, victim = sorted(children(server))
    told = tmp_path / "badly"
    told.touch()

    os.kill(victim, signal.SIGKILL)
    until(lambda: server.output.count("a worker could not start") >= 2)
    assert children(server) >= {spared}
    told.unlink()

    until(lambda: len(children(server)) == 2 and {_pid_of(server.url) for _ in range(16)} == children(server))
    assert server.stop() == 0


def test_other_workers_take_the_connections_of_one_that_is_away(serve: Start, tmp_path: Path) -> None:
    server = serve("--workers", "2", "--start", "badly-if-told")
    spared, victim = sorted(children(server))
    told = tmp_path / "badly"
    told.touch()

    os.kill(victim, signal.SIGKILL)
    server.wait_for_output("others cover for a worker")

    assert {_pid_of(server.url) for _ in range(32)} == {spared}
    told.unlink()
    server.wait_for_output("a worker serves again")
    until(lambda: {_pid_of(server.url) for _ in range(16)} == children(server))


def test_a_worker_that_is_asked_to_end_does_so_in_order_and_is_replaced(serve: Start) -> None:
    server = serve("--workers", "2")
    spared, asked = sorted(children(server))

    os.kill(asked, signal.SIGTERM)

    until(lambda: len(children(server) - {asked}) == 2 and asked not in children(server))
    assert spared in children(server)
    assert "a worker was asked to stop and is replaced" in server.output
    assert "a worker died" not in server.output
    assert server.output.count("stopped") == 1


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
    workers = until(lambda: len(children(server)) == 2 and children(server))
    assert server.stop() == 0
    assert not any(runs(pid) for pid in workers)
    assert "listens at" not in server.output


def test_it_is_ready_only_when_every_worker_answers(serve: Start) -> None:
    server = serve("--workers", "2", "--start", "slowly")

    assert server.output.index("listens at") > server.output.rindex("started")
    assert get(server.url, "/sleep/0.0") == "slept"


def test_a_worker_that_hangs_does_not_outlive_its_supervisor(serve: Start) -> None:
    server = serve("--workers", "1", "--drain", "0.1")
    (worker,) = children(server)
    with connect(server.url) as connection:
        connection.sendall(request("GET", "/block/600.0"))
        time.sleep(0.3)

        server.process.kill()
        until(lambda: not runs(worker))


def test_a_suspended_worker_does_not_outlive_its_supervisor(serve: Start) -> None:
    server = serve("--workers", "2")
    workers = children(server)
    os.kill(min(workers), signal.SIGSTOP)

    server.process.kill()

    until(lambda: not any(runs(worker) for worker in workers))
