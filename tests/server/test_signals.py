"""What each signal does, to the command and to one of its workers, while requests are under way."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.conftest import Start
from tests.support.raw_http import address_of, fetch, request, status_of
from tests.support.servers import ServerProcess, children, runs, start_process
from tests.support.waiting import eventually, until

WORKERS = pytest.mark.parametrize("workers", [1, 2])
IGNORED = [
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
    signal.SIGPIPE,
]
STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


async def _statuses_around(server: ServerProcess, count: int, seconds: float, act: Callable[[], None]) -> list[int]:
    """Start requests that take `seconds`, act when they have arrived, and return the statuses of their answers."""
    asked = [asyncio.create_task(fetch(server.url, request("GET", f"/sleep/{seconds}"))) for _ in range(count)]
    await asyncio.sleep(0.4)
    act()
    return [status_of(answer) for answer in await asyncio.gather(*asked)]


def _catches(pid: int, name: signal.Signals) -> bool:
    """Whether the process has a handler for the signal."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (name - 1) & 1)
    return False


@WORKERS
def test_signals_of_log_rotation_and_terminals_do_nothing(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers))
    processes = {server.process.pid, *children(server)}

    def send() -> None:
        for pid in processes:
            for name in IGNORED:
                os.kill(pid, name)

    assert asyncio.run(_statuses_around(server, 8, 1.0, send)) == [200] * 8
    assert {server.process.pid, *children(server)} == processes
    assert all(runs(pid) for pid in processes)


@pytest.mark.parametrize("how", [*STOPS, signal.SIGHUP])
def test_a_signal_to_one_worker_renews_it_and_cuts_nothing(serve: Start, how: signal.Signals) -> None:
    server = serve("--workers", "2", "--gentle", "0.2")
    spared, victim = sorted(children(server))

    assert asyncio.run(_statuses_around(server, 8, 1.0, lambda: os.kill(victim, how))) == [200] * 8

    until(lambda: victim not in children(server) and len(children(server)) == 2)
    assert spared in children(server)
    assert "[error" not in server.plain_output


@WORKERS
def test_hup_renews_the_workers_and_finishes_their_requests(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), "--gentle", "0.2")
    before = children(server)

    def renew() -> None:
        server.process.send_signal(signal.SIGHUP)

    assert asyncio.run(_statuses_around(server, 8, 1.5, renew)) == [200] * 8
    server.wait_for_output("the workers are renewed")
    until(lambda: len(children(server)) == workers and not children(server) & before)
    assert server.output.count("stopped") == workers
    assert "[error" not in server.plain_output
    assert server.stop() == 0


@WORKERS
def test_hup_under_load_refuses_and_cuts_nothing(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), "--gentle", "1")

    async def load() -> tuple[list[str], int]:
        done = asyncio.Event()
        failures: list[str] = []
        counts = await asyncio.gather(
            *(_keep_alive_client(server.url, done, failures, pause) for pause in (0.0, 0.0, 0.002, 0.01, 0.05, 0.3)),
            *(_fresh_client(server.url, done, failures) for _ in range(4)),
            _renew_twice(server, done),
        )
        return failures, sum(counts)

    failures, answered = asyncio.run(load())

    assert failures == []
    assert answered > 50  # enough on a busy machine, too


async def _renew_twice(server: ServerProcess, done: asyncio.Event) -> int:
    for count in (1, 2):
        server.process.send_signal(signal.SIGHUP)
        await eventually(lambda count=count: server.output.count("the workers are renewed") == count, 40)  # type: ignore[misc]
        before = children(server)
        await asyncio.sleep(0.5)
        assert children(server) <= before  # old ones leave, no more come
    await asyncio.sleep(1)
    done.set()
    return 0


async def _keep_alive_client(url: str, done: asyncio.Event, failures: list[str], pause: float) -> int:
    """Ask again and again over one connection, over a new one after an answer that says `Connection: close`."""
    answered = 0
    while not done.is_set():
        reader, writer = await asyncio.open_connection(*address_of(url))
        try:
            goes_on = True
            while goes_on and not done.is_set():
                writer.write(request("GET", "/sleep/0.001", close=False))
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(len("slept"))
                if not head.startswith(b"http/1.1 200"):
                    failures.append(head.decode())
                answered += 1
                goes_on = b"connection: close" not in head
                await asyncio.sleep(pause)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            failures.append(repr(error))
        finally:
            writer.close()
    return answered


async def _fresh_client(url: str, done: asyncio.Event, failures: list[str]) -> int:
    answered = 0
    while not done.is_set():
        try:
            answer = await fetch(url, request("GET", "/sleep/0.001"))
            if not answer.startswith(b"HTTP/1.1 200"):
                failures.append(answer.decode())
        except ConnectionError as error:
            failures.append(repr(error))
        answered += 1
    return answered


def test_a_renewal_whose_first_worker_cannot_start_leaves_the_old_ones(serve: Start, tmp_path: Path) -> None:
    server = serve("--workers", "2", "--start", "badly-if-told")
    before = children(server)
    told = tmp_path / "badly"
    told.touch()

    server.process.send_signal(signal.SIGHUP)
    server.wait_for_output("a new worker could not start; the old ones stay")

    until(lambda: children(server) == before)
    told.unlink()
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_output("the workers are renewed")


def test_a_second_stop_signal_ends_the_wait_for_requests(serve: Start) -> None:
    server = serve("--workers", "2", "--drain", "60")

    async def ask() -> bytes:
        asked = asyncio.create_task(fetch(server.url, request("GET", "/hang")))
        await asyncio.sleep(0.4)
        server.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(1.2)  # what comes sooner counts as the same wish, passed on twice
        assert not asked.done()
        server.process.send_signal(signal.SIGTERM)
        return await asked

    assert status_of(asyncio.run(ask())) >= 500
    assert server.process.wait(10) == 0


@pytest.mark.parametrize("how", STOPS)
def test_a_stop_while_the_command_imports_ends_it_without_a_word(tmp_path: Path, how: signal.Signals) -> None:
    server = start_process(["-m", "ostiary.cli", "serve", "--port", "0"], {}, tmp_path)
    # Of the three the last to be handled, and one that neither Python nor a measurement of coverage handles itself.
    until(lambda: _catches(server.process.pid, signal.SIGQUIT))

    assert server.stop(how) == 0
    assert server.output == ""
    assert list(tmp_path.iterdir()) == []


def test_a_stop_while_the_database_is_waited_for_ends_it_in_seconds(tmp_path: Path) -> None:
    file = tmp_path / "locked.db"
    holder = sqlite3.connect(file)
    holder.execute("BEGIN EXCLUSIVE")
    server = start_process(
        ["-m", "ostiary.cli", "serve", "--port", "0"], {"OSTIARY_DATABASE_URL": f"sqlite+aiosqlite:///{file}"}, tmp_path
    )
    try:
        until(lambda: _opened(server.process.pid, file))
        assert server.stop(timeout=12) == 0
    finally:
        holder.close()
    assert "Traceback" not in server.output


def _opened(pid: int, file: Path) -> bool:
    return any(link.resolve() == file for link in Path(f"/proc/{pid}/fd").iterdir())
