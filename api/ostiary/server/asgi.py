"""Flask as an ASGI application: each request runs in a greenlet of the server's event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import structlog
from flask import Flask
from sqlalchemy.util.concurrency import greenlet_spawn

from ostiary.core.early_answer import EarlyAnswer
from ostiary.core.prefix import prefix_of
from ostiary.server.environ import environ_of

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Hook = Callable[[], Awaitable[None]]
Refuse = Callable[[dict[str, Any]], EarlyAnswer | None]
"""Takes the scope of a request."""

log = structlog.stdlib.get_logger(__name__)

WATCH_AFTER = 0.05
"""Seconds that a request runs before the server begins to watch for a disconnect of its client."""


class _Answer:
    """Status and header fields that a WSGI application passes to start_response, and its body."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def start(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._write

    def _write(self, data: bytes) -> None:
        self.body += data


class _ClientGone(Exception):
    pass


class AsgiApp:
    """Serves `app` over ASGI.

    max_body: bytes; a larger body is not read, and a view that reads it raises Flask's 413. MAX_CONTENT_LENGTH has the
    same value. start, stop: awaited on the loop before the first and after the last request. If `start` raises, the
    server does not start. refuse: called before the body of a request is read; if it returns an answer, that is sent.
    """

    def __init__(
        self,
        app: Flask,
        *,
        max_body: int,
        start: Hook | None = None,
        stop: Hook | None = None,
        refuse: Refuse | None = None,
    ) -> None:
        app.config["MAX_CONTENT_LENGTH"] = max_body
        self._app = app
        self.prefix = prefix_of(app.config)
        """The path prefix of the application in URLs for clients; empty if there is none."""
        self._max_body = max_body
        self._start = start
        self._stop = stop
        self._refuse = refuse

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection event of ASGI 3."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close"})

    def refuse_early(self, scope: dict[str, Any]) -> EarlyAnswer | None:
        """Return the answer to a request that is refused because of its head; otherwise None."""
        return None if self._refuse is None else self._refuse(scope)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            if self._start is not None:
                await self._start()
        except Exception as error:  # noqa: BLE001 - after any exception the server must not start, and must report it
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._stop is not None:
            await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        refused = self.refuse_early(scope)
        if refused is not None:
            if refused.delay:
                await asyncio.sleep(refused.delay)
            await send({"type": "http.response.start", "status": refused.status, "headers": refused.headers})
            await send({"type": "http.response.body", "body": refused.body})
            return
        try:
            body = await self._read(scope, receive)
        except _ClientGone:
            return
        answer = _Answer()
        try:
            await self._watched(greenlet_spawn(self._call, environ_of(scope, body), answer), receive)
        except _ClientGone:
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _call(self, environ: dict[str, Any], answer: _Answer) -> None:
        chunks: Iterable[bytes] = self._app.wsgi_app(environ, answer.start)
        try:
            answer.body += b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    async def _read(self, scope: dict[str, Any], receive: Receive) -> bytes:
        """Return the body, at most one byte more than the limit; raises _ClientGone."""
        length = 0
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                length = -1
        if length == 0 or length > self._max_body:
            return b""
        chunks: list[bytes] = []
        room = self._max_body + 1
        while room > 0:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            chunk = message.get("body", b"")[:room]
            chunks.append(chunk)
            room -= len(chunk)
            if not message.get("more_body", False):
                break
        return b"".join(chunks)

    async def _watched(self, work: Awaitable[None], receive: Receive) -> None:
        """Await `work`. If the client disconnects before it is done, cancel it and raise _ClientGone.

        Most requests end before a watcher is worth its cost, so the watcher starts late.
        """
        request = cast("asyncio.Task[None]", asyncio.current_task())
        watcher: asyncio.Task[None] | None = None
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await receive())["type"] != "http.disconnect":
                pass
            gone = True
            request.cancel()

        def begin() -> None:
            nonlocal watcher
            watcher = asyncio.ensure_future(watch())

        timer = asyncio.get_running_loop().call_later(WATCH_AFTER, begin)
        try:
            await work
        except asyncio.CancelledError:
            if not gone:
                raise
            request.uncancel()
            raise _ClientGone from None
        finally:
            timer.cancel()
            if watcher is not None:
                watcher.cancel()
