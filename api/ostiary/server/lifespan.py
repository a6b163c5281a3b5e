"""The server side of ASGI's lifespan protocol: start an application before its first request and stop it at the end."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.stdlib.get_logger(__name__)


class Lifespan:
    """Runs the lifespan of `app` in one task of its own, because the application may open resources bound to a task."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> bool:
        """Start the application; return whether it started. If it did not, the log has the reason."""
        self._task = asyncio.create_task(self._run())
        answer = await self._ask("lifespan.startup")
        if answer["type"] == "lifespan.startup.complete":
            return True
        if answer.get("message"):
            log.error("the application could not start", error=answer["message"])
        return False

    async def shutdown(self) -> None:
        """Stop the application."""
        answer = await self._ask("lifespan.shutdown")
        if answer.get("message"):
            log.error("the application could not stop in order", error=answer["message"])

    def abandon(self) -> None:
        """Cancel an application that does not answer."""
        if self._task is not None:
            self._task.cancel()

    async def _ask(self, kind: str) -> dict[str, Any]:
        self._to_app.put_nowait({"type": kind})
        return await self._from_app.get()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except Exception:
            log.exception("the application failed outside a request")
        self._from_app.put_nowait({"type": "lifespan.ended"})  # ends a wait for an answer that will not come
