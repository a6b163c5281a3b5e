"""A small application to look at how it is served; `python -m tests.support.server_app --workers 2` serves it."""

# ruff: noqa: C901, T201 - views are nested functions, and what is printed is for the tests to read

import argparse
import asyncio
import gc
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import greenlet
from flask import Response, after_this_request, current_app, g, request, request_started
from sqlalchemy import text

from ostiary.core import proxies
from ostiary.persistence.database import Database
from ostiary.server import process
from ostiary.server.asgi import AsgiApp
from ostiary.server.flask_app import LoopFlask
from ostiary.server.sockets import listen

MAX_BODY = 200_000

IDENTITY: ContextVar[str] = ContextVar("identity", default="")
"""Whose request this is; set by a coroutine before the view, as a tracing library does."""


@dataclass
class State:
    """What has happened in this process."""

    in_flight: int = 0
    cancelled: list[str] = field(default_factory=list)
    cleaned_up: list[str] = field(default_factory=list)
    checks: int = 0
    leaks: list[str] = field(default_factory=list)
    torn_down: list[str] = field(default_factory=list)
    last_steps: list[list[Any]] = field(default_factory=list)


_numbers = itertools.count(1)
_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()


def running_loop() -> int:
    """A number for the running loop, 0 if none runs; unlike id(), never given again to another."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return 0
    if loop not in _loops:
        _loops[loop] = next(_numbers)
    return _loops[loop]


def live_greenlets() -> int:
    gc.collect()
    return sum(isinstance(thing, greenlet.greenlet) and not thing.dead for thing in gc.get_objects())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def note(step: str) -> None:
    """Record where the current request is at this step: its loop and its thread."""
    if request.path.startswith("/steps"):
        g.setdefault("steps", []).append([step, running_loop(), threading.get_ident()])


def make_app(database: Database | None = None, *, hooks: bool = True, trusted_proxies: str = "") -> LoopFlask:
    """Return the application; without `hooks`, only its views."""
    app = LoopFlask(__name__, static_folder=None, template_folder=None)
    app.trusted_proxies, _ = proxies.parse(trusted_proxies)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    state = State()
    app.extensions["state"] = state
    if hooks:
        _add_steps(app, state)
        _add_identity(app, state)
    _add_bodies(app)
    _add_work(app, state, database)
    _add_barrier(app)
    return app


def _add_steps(app: LoopFlask, state: State) -> None:
    """GET /steps: everything that Flask runs for a request tells where it runs."""

    async def started(_app: LoopFlask, **_: Any) -> None:
        note("signal")

    request_started.connect(started, app, weak=False)

    @app.before_request
    async def before() -> None:
        await asyncio.sleep(0)
        note("before_request")

    @app.before_request
    def before_sync() -> None:
        note("sync before_request")

    def guarded(view: Callable[..., Any]) -> Callable[..., Any]:
        async def guard() -> None:
            await asyncio.sleep(0)
            note("decorator's coroutine")

        @wraps(view)
        def call(*args: Any, **kwargs: Any) -> Any:
            note("sync decorator")
            current_app.async_to_sync(guard)()
            return current_app.ensure_sync(view)(*args, **kwargs)

        return call

    def traced(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        async def call(*args: Any, **kwargs: Any) -> Any:
            note("async decorator")
            return await view(*args, **kwargs)

        return call

    @app.get("/steps")
    @guarded
    @traced
    async def steps() -> Response:
        note("view")
        await asyncio.sleep(0.01)
        note("view after an await")

        @after_this_request
        async def after_this(response: Response) -> Response:
            note("after_this_request")
            return response

        if "fail" in request.args:
            raise ZeroDivisionError
        return Response()

    @app.errorhandler(ZeroDivisionError)
    async def handler(_error: ZeroDivisionError) -> Response:
        await asyncio.sleep(0)
        note("errorhandler")
        return Response()

    @app.after_request
    async def after(response: Response) -> Response:
        await asyncio.sleep(0)
        note("after_request")
        if "steps" in g:
            response.set_data(json.dumps(g.steps))
        return response

    @app.teardown_request
    async def teardown(_error: BaseException | None) -> None:
        await asyncio.sleep(0)
        note("teardown_request")

    @app.teardown_appcontext
    async def teardown_app(_error: BaseException | None) -> None:
        await asyncio.sleep(0)
        if "steps" in g:
            g.steps.append(["teardown_appcontext", running_loop(), threading.get_ident()])
            state.last_steps = g.steps


def _add_identity(app: LoopFlask, state: State) -> None:
    """GET /who with an X-Id: at each step the request, `g` and a context variable must say the same id."""

    def check(step: str) -> None:
        state.checks += 1
        expected = request.headers.get("X-Id", "")
        found = (g.get("identity", ""), IDENTITY.get())
        if found != (expected, expected):
            state.leaks.append(f"{step}: {expected!r} found {found!r}")

    async def pause(step: int) -> None:
        await asyncio.sleep(((g.number * 7919 + step * 104729) % 11) / 1000)

    @app.before_request
    async def arrive() -> None:
        if "identity" in g or IDENTITY.get():
            state.leaks.append(f"left over by another request: {g.get('identity')!r}, {IDENTITY.get()!r}")
        identity = request.headers.get("X-Id")
        if identity is not None:
            g.identity = identity
            g.number = int(identity)
            IDENTITY.set(identity)
            await pause(0)
            check("async before_request")

    @app.before_request
    def arrive_sync() -> None:
        if "identity" in g:
            check("sync before_request")

    @app.route("/who", methods=["GET", "POST"])
    async def who() -> dict[str, str]:
        for step in range(1, 5):
            check(f"view, step {step}")
            await pause(step)
        _, _ = await asyncio.gather(pause(5), asyncio.create_task(pause(6)))
        check("view, after gather")
        if "fail" in request.args:
            raise RuntimeError(g.identity)
        return {"request": request.headers["X-Id"], "g": g.identity, "variable": IDENTITY.get()}

    @app.errorhandler(RuntimeError)
    async def failed(error: RuntimeError) -> tuple[str, int]:
        if "identity" in g:
            await pause(7)
            check("async errorhandler")
        return str(error), 500

    @app.after_request
    async def leave(response: Response) -> Response:
        if "identity" in g:
            await pause(8)
            check("async after_request")
            response.headers["X-Id"] = IDENTITY.get()
        return response

    @app.teardown_request
    async def gone(_error: BaseException | None) -> None:
        if "identity" in g:
            await pause(9)
            check("async teardown_request")
            state.torn_down.append(IDENTITY.get())


def _add_bodies(app: LoopFlask) -> None:
    """What comes in and goes out over HTTP."""

    @app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def echo() -> dict[str, Any]:
        return {
            "method": request.method,
            "path": request.path,
            "args": request.args.to_dict(flat=False),
            "headers": {name.lower(): value for name, value in request.headers},
            "body": request.get_data(as_text=True),
            "client": request.remote_addr,
            "scheme": request.scheme,
        }

    @app.get("/echo/<path:_rest>")
    async def echo_path(_rest: str) -> dict[str, Any]:
        return await echo()

    @app.get("/things/<name>/parts")
    async def parts(name: str) -> dict[str, str]:
        return {"name": name}

    @app.post("/size")
    async def size() -> dict[str, int]:
        return {"size": len(request.get_data())}

    @app.post("/unread")
    async def unread() -> str:
        return "not read"

    @app.get("/stream")
    async def stream() -> Response:
        response = Response(chunk for chunk in (b"one ", b"two ", b"three"))
        closed = app.extensions["state"].cleaned_up
        response.call_on_close(lambda: closed.append("stream"))
        return response

    @app.get("/nothing")
    async def nothing() -> tuple[str, int]:
        return "", 204


def _add_barrier(app: LoopFlask) -> None:
    waiting: list[asyncio.Future[None]] = []

    @app.get("/together/<int:count>")
    async def together(count: int) -> str:
        """Answers once `count` requests wait here."""
        waiting.append(asyncio.get_running_loop().create_future())
        if len(waiting) == count:
            for one in waiting:
                one.set_result(None)
        await waiting[-1]
        return "together"


def _add_work(app: LoopFlask, state: State, database: Database | None) -> None:
    """Views that take time, fail, or look into the process."""

    @app.get("/is-looked-through")
    def is_looked_through() -> str:
        return str(any(thing is app for thing in gc.get_objects()))

    @app.get("/sleep/<float:seconds>")
    async def sleep(seconds: float) -> str:
        state.in_flight += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            state.in_flight -= 1
        return "slept"

    @app.route("/hang", methods=["GET", "POST"])
    async def hang() -> str:
        name = request.args.get("name", "")
        state.in_flight += 1
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            state.cancelled.append(name)
            if "stubborn" in request.args:
                return "goes on regardless"
            raise
        finally:
            await asyncio.sleep(0.01)  # a clean-up that awaits is finished, too
            state.cleaned_up.append(name)
            state.in_flight -= 1
        return "never"

    @app.get("/boom")
    async def boom() -> str:
        await asyncio.sleep(0)
        raise LookupError("boom")

    @app.get("/boom/sync")
    def boom_sync() -> str:
        raise LookupError("boom")

    @app.get("/query")
    async def query() -> dict[str, Any]:
        assert database is not None
        async with database.read() as session:
            answer = (await session.execute(text("SELECT 42"))).scalar()
            await asyncio.sleep(float(request.args.get("seconds", "0")))
        return {"answer": answer}

    @app.get("/variable")
    def variable() -> dict[str, str]:
        async def set_it() -> None:
            await asyncio.sleep(0)
            IDENTITY.set(IDENTITY.get() + "set by a coroutine")

        IDENTITY.set("set by the caller, ")
        app.async_to_sync(set_it)()
        return {"seen": IDENTITY.get()}

    @app.get("/waits-for-itself")
    async def waits_for_itself() -> str:
        async def anything() -> None: ...

        app.async_to_sync(anything)()
        return "never"

    @app.get("/block/<float:seconds>")
    async def block_the_loop(seconds: float) -> str:
        time.sleep(seconds)  # noqa: ASYNC251 - on purpose
        return "blocked"

    @app.get("/pid")
    async def pid() -> str:
        return str(os.getpid())

    @app.get("/state")
    async def show_state() -> dict[str, Any]:
        return {
            **asdict(state),
            "pid": os.getpid(),
            "tasks": len(asyncio.all_tasks()),
            "greenlets": live_greenlets(),
            "threads": threading.active_count(),
            "files": open_files(),
            "checked_out": database.engine.pool.checkedout() if database is not None else 0,  # type: ignore[attr-defined]
        }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--drain", type=float, default=10)
    parser.add_argument("--trusted-proxies", default="")
    parser.add_argument("--heartbeat", type=float, default=30)
    parser.add_argument("--gentle", type=float, default=5)
    parser.add_argument("--database", help="URL")
    parser.add_argument("--build", choices=("well", "badly"), default="well")
    parser.add_argument("--start", choices=("well", "slowly", "badly", "first-badly", "badly-if-told"), default="well")
    parser.add_argument("--shared-socket", action="store_true", help="one for all workers, as on other systems")
    parser.add_argument("--bare", action="store_true", help="only the views")
    options = parser.parse_args()

    def build() -> AsgiApp:
        if options.build == "badly":
            raise RuntimeError("cannot be built")
        database = Database(options.database, 5, 10.0) if options.database else None

        async def start() -> None:
            if options.start == "slowly":
                print("starting", flush=True)
                await asyncio.sleep(1)
            if options.start == "badly" or (options.start == "first-badly" and first()) or told_to_fail():
                raise RuntimeError("cannot be started")
            print("started", flush=True)

        async def stop() -> None:
            if database is not None:
                await database.close()
            print("stopped", flush=True)

        app = make_app(database, hooks=not options.bare, trusted_proxies=options.trusted_proxies)
        return AsgiApp(app, max_body=MAX_BODY, start=start, stop=stop)

    def told_to_fail() -> bool:
        return options.start == "badly-if-told" and Path("badly").exists()

    def first() -> bool:
        """Whether no other worker was here before."""
        try:
            Path("first").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    if options.shared_socket:
        process.listen = lambda host, port, count: listen(host, port, 1) * count
    how = process.Process(
        options.host,
        options.port,
        options.workers,
        options.drain,
        heartbeat_seconds=options.heartbeat,
        gentle_seconds=options.gentle,
    )
    return process.serve(build, how, lambda port: print(f"listens at http://{options.host}:{port}", flush=True))


if __name__ == "__main__":
    sys.exit(main())
