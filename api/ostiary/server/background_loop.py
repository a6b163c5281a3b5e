"""The event loop of a process that serves plain WSGI. It runs in its own thread and starts on first use."""

import asyncio
import contextvars
import os
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """Runs coroutines for synchronous callers, all on the same loop.

    The thread starts with the first call, and again in a forked child, so a server may fork its workers after it has
    loaded the application. The thread ends with this object or with the process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and return its result. Context variables are passed in both directions.

        Raises RuntimeError when called from a thread whose own event loop is running: waiting there would stop it.
        """
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not None:
            work.close()
            raise RuntimeError(
                "a coroutine was called synchronously from a running event loop, which would wait for itself: await it"
            )
        context = contextvars.copy_context()

        async def within() -> T:
            return await asyncio.get_running_loop().create_task(work, context=context)

        try:
            return asyncio.run_coroutine_threadsafe(within(), self._started()).result()
        finally:
            _adopt(context)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                # Outside the caller's context. Otherwise the loop would keep the context and its request for ever.
                self._loop = contextvars.Context().run(asyncio.new_event_loop)
                self._pid = os.getpid()
                threading.Thread(target=_run, args=(self._loop,), name="ostiary-loop", daemon=True).start()
                weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _adopt(context: contextvars.Context) -> None:
    """Copy the context variables that the coroutine has set to the caller's context."""
    for variable, value in context.items():
        if variable.get(_MISSING) is not value:
            variable.set(value)


_MISSING = object()
