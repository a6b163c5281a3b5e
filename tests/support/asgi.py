"""A client that calls an ASGI application directly, in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Asgi = Callable[..., Any]


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def scope_of(target: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    parts = urlsplit(target)
    return {
        "type": "http",
        "method": method,
        "http_version": "1.1",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 50000),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }


async def call(
    app: Asgi,
    target: str,
    method: str = "GET",
    *,
    headers: Mapping[str, str] | None = None,
    chunks: Iterable[bytes] = (),
    gone: asyncio.Event | None = None,
) -> Answer | None:
    """Send one request in a task of its own and return the answer, or None if none came.

    The client goes away when `gone` is set.
    """
    answer = Answer()
    parts = list(chunks)
    left = len(parts)
    gone = gone or asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal left
        if left:
            left -= 1
            return {"type": "http.request", "body": parts[-left - 1], "more_body": left > 0}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message["body"]

    await asyncio.create_task(app(scope_of(target, method, headers), receive, send))
    return answer if answer.status else None


@asynccontextmanager
async def lifespan(app: Asgi) -> AsyncIterator[None]:
    """Start `app` and stop it in the end, as a server does; raises RuntimeError if it does not start."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan"}, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    started = await outgoing.get()
    if started["type"] != "lifespan.startup.complete":
        await task
        raise RuntimeError(started["message"])
    yield
    await incoming.put({"type": "lifespan.shutdown"})
    assert (await outgoing.get())["type"] == "lifespan.shutdown.complete"
    await task
