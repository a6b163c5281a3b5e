"""A server that is told to stop finishes what it has begun, and nothing more."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.conftest import StartServer
from tests.server.conftest import APP, Start
from tests.support.raw_http import address_of, connect, fetch, get, request, status_of
from tests.support.servers import ServerProcess
from tests.support.waiting import until

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


async def _in_flight_during(url: str, count: int, target: str, stop: Callable[[], Any]) -> list[bytes]:
    """Start requests, stop the server while they are under way, return the answers."""
    asked = [asyncio.create_task(fetch(url, request("GET", target))) for _ in range(count)]
    await asyncio.sleep(0.5)
    stop()
    return await asyncio.gather(*asked)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", SIGNALS)
def test_requests_in_flight_are_finished_and_the_exit_code_is_0(
    serve: Start, workers: int, how: signal.Signals
) -> None:
    server = serve("--workers", str(workers))

    answers = asyncio.run(_in_flight_during(server.url, 40, "/sleep/1.5", lambda: server.process.send_signal(how)))

    assert [status_of(answer) for answer in answers] == [200] * 40
    assert server.process.wait(30) == 0
    server.stop()
    assert server.output.count("stopped") == workers


@pytest.mark.parametrize("workers", [1, 2])
def test_new_connections_are_refused_while_it_drains(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers))

    def refused() -> bool:
        try:
            connect(server.url).close()
        except ConnectionError:
            return True
        return False

    with connect(server.url) as connection:
        connection.sendall(request("GET", "/sleep/6.0"))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        until(refused, timeout=5)
        assert status_of(connection.recv(65536)) == 200
    assert server.process.wait(30) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_not_done_in_time_is_cancelled_and_answered(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), "--drain", "1")

    started = time.monotonic()
    (answer,) = asyncio.run(
        _in_flight_during(server.url, 1, "/hang", lambda: server.process.send_signal(signal.SIGTERM))
    )

    assert status_of(answer) == 503
    assert b"service_stopping" in answer
    assert server.process.wait(30) == 0
    server.stop()
    assert time.monotonic() - started < 30  # not the minute that the view would have taken
    assert server.output.count("stopped") == workers


def test_idle_connections_do_not_hold_it_up(serve: Start) -> None:
    server = serve("--drain", "60")

    with httpx.Client(base_url=server.url) as client, connect(server.url):
        client.get("/sleep/0.0")
        started = time.monotonic()
        assert server.stop() == 0
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("workers", [1, 2])
def test_half_sent_requests_hold_it_up_for_two_seconds_only(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), "--drain", "60")
    parts = [request("POST", "/size", "Content-Length: 100", body=b"x"), b"GET /sleep/0.0 HTTP/1.1\r\nHost: local"]

    with ExitStack() as stack:
        for part in parts * 4:
            stack.enter_context(connect(server.url)).sendall(part)
        assert get(server.url, "/sleep/0.1") == "slept"
        started = time.monotonic()
        assert server.stop() == 0
    assert time.monotonic() - started < 20
    assert "Traceback" not in server.output
    assert server.output.count("stopped") == workers


def test_a_signal_during_the_start_ends_it_too(start: Start) -> None:
    server = start(*APP, "--start", "slowly")
    server.wait_for_output("starting")

    assert server.stop() == 0
    assert "listens at" not in server.output
    assert "stopped" in server.output


def test_the_port_is_free_at_once_for_the_next_server(serve: Start) -> None:
    server = serve("--workers", "2")
    with httpx.Client(base_url=server.url) as client:
        client.get("/sleep/0.0")
        server.stop()

    again = serve("--workers", "2", "--port", str(address_of(server.url)[1]))
    assert get(again.url, "/sleep/0.0") == "slept"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", SIGNALS)
def test_the_product_stops_in_order(
    start_server: StartServer, sqlite_url: str, workers: int, how: signal.Signals
) -> None:
    server: ServerProcess = start_server(sqlite_url, workers=workers)
    user = {"username": "user1", "password": "password123"}
    assert httpx.post(f"{server.url}/register", json=user).status_code == 201

    assert server.stop(how) == 0
    assert "Traceback" not in server.output
