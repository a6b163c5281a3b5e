"""The same application under WSGI servers, on one background loop in each process."""

import asyncio
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path

import httpx
import pytest

from ostiary.server.background_loop import BackgroundLoop
from ostiary.server.flask_app import LoopFlask
from tests.server.conftest import GUNICORN, Start
from tests.support.settings import environment_of, settings_for
from tests.support.threads import no_new_thread

pytestmark = pytest.mark.uncounted  # the servers are processes of their own

VARIABLE: ContextVar[str] = ContextVar("variable", default="unset")


async def _where() -> tuple[int, int]:
    await asyncio.sleep(0)
    return id(asyncio.get_running_loop()), threading.get_ident()


def test_all_threads_share_one_loop_in_a_thread_of_its_own() -> None:
    loop = BackgroundLoop()
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda _: loop.run(_where()), range(200)))

    assert len(set(places)) == 1
    assert places[0][1] != threading.get_ident()


def test_no_loop_and_no_thread_before_they_are_needed() -> None:
    with no_new_thread():
        app = LoopFlask(__name__)
        assert app.async_to_sync(_where)


def test_context_variables_go_in_and_come_back() -> None:
    async def work() -> str:
        seen = VARIABLE.get()
        await asyncio.sleep(0)
        VARIABLE.set("set by the coroutine")
        return seen

    VARIABLE.set("set by the caller")
    assert BackgroundLoop().run(work()) == "set by the caller"
    assert VARIABLE.get() == "set by the coroutine"


def test_they_come_back_also_with_an_exception() -> None:
    async def work() -> None:
        VARIABLE.set("set before the failure")
        raise LookupError("it fails")

    with pytest.raises(LookupError, match="it fails"):
        BackgroundLoop().run(work())
    assert VARIABLE.get() == "set before the failure"


def test_callers_that_wait_at_the_same_time_do_not_see_each_others_variables() -> None:
    loop = BackgroundLoop()
    together = threading.Barrier(8)

    def one(number: int) -> tuple[str, str]:
        async def work() -> str:
            VARIABLE.set(f"{number}")
            await asyncio.sleep(0.05)
            return VARIABLE.get()

        together.wait(10)
        return loop.run(work()), VARIABLE.get()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == [(f"{number}", f"{number}") for number in range(8)]


def test_waiting_for_ones_own_loop_raises_instead() -> None:
    loop = BackgroundLoop()

    async def outer() -> None:
        loop.run(_where())

    with pytest.raises(RuntimeError, match="from a running event loop"):
        loop.run(outer())
    assert loop.run(_where())  # and the loop goes on


def test_so_does_waiting_from_any_other_running_loop() -> None:
    app = LoopFlask(__name__)

    async def outer() -> None:
        app.async_to_sync(_where)()

    with pytest.raises(RuntimeError, match="from a running event loop"):
        asyncio.run(outer())


def test_a_forked_child_has_a_loop_of_its_own(tmp_path: Path) -> None:
    script = """
import os, threading
from ostiary.server.background_loop import BackgroundLoop

async def thread():
    return threading.get_ident()

loop = BackgroundLoop()
loop.run(thread())
child = os.fork()
answer = loop.run(thread())
assert loop.run(thread()) == answer
assert [thread.name for thread in threading.enumerate()].count("ostiary-loop") == 1
if child:
    assert os.waitpid(child, 0)[1] == 0  # before this one prints: two at once may run into one line
print("child" if child == 0 else "parent", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["child", "parent"]


def _client(url: str) -> httpx.Client:
    """One that opens a connection for each request, so that every worker takes part."""
    return httpx.Client(base_url=url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))


def _the_four_calls(client: httpx.Client) -> None:
    user = {"username": "user1", "password": "password123"}
    assert client.post("/register", json=user).status_code == 201
    assert client.post("/register", json=user).status_code == 409
    bearer = {"Authorization": f"Bearer {client.post('/login', json=user).json()['access_token']}"}
    for _ in range(10):
        answer = client.get("/protected", headers=bearer)
        assert (answer.status_code, answer.json()) == (200, {"message": "This is a protected route!"})
    assert client.post("/logout", headers=bearer).status_code == 200
    for _ in range(10):
        assert client.get("/protected", headers=bearer).status_code == 401


def _at_once(client: httpx.Client) -> None:
    def register(number: int) -> int:
        user = {"username": f"user-{number}", "password": "correct horse battery"}
        return client.post("/register", json=user).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(register, range(40))) == {201}


@pytest.mark.parametrize("arguments", [(), ("--preload",)], ids=["", "preload"])
def test_the_product_works_under_gunicorn(start: Start, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    environment = environment_of(settings_for("", tmp_path / "data"))
    server = start(*GUNICORN, "-w", "2", "--threads", "8", *arguments, "ostiary.wsgi:create_app()", **environment)
    server.wait_until_ready()

    with _client(server.url) as client:
        _the_four_calls(client)
        _at_once(client)
    assert server.stop() == 0
    assert "Traceback" not in server.output


def test_the_product_works_under_flask_run(start: Start, tmp_path: Path) -> None:
    environment = environment_of(settings_for("", tmp_path / "data"))
    server = start("-m", "flask", "--app", "ostiary.app", "run", "--port", "0", **environment)
    server.wait_until_ready()

    with _client(server.url) as client:
        _the_four_calls(client)
        _at_once(client)
    server.stop(signal.SIGINT)
    assert "Traceback" not in server.output


def test_a_process_that_ends_without_closing_anything_ends_quietly(start: Start, tmp_path: Path) -> None:
    script = """
from concurrent.futures import ThreadPoolExecutor
from ostiary.app import create_app

def register(number):
    body = {"username": f"user-{number}", "password": "password123"}
    return app.test_client().post("/register", json=body).status_code

app = create_app()
with ThreadPoolExecutor(8) as pool:
    assert set(pool.map(register, range(20))) == {201}
"""
    server = start("-c", script, **environment_of(settings_for("", tmp_path / "data", log_level="error")))

    code = server.process.wait(60)
    server.stop()
    assert (code, server.output) == (0, "")
