"""Flask whose coroutines all run on one event loop."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from flask import Flask
from sqlalchemy.util.concurrency import await_, in_greenlet

from api.server.background_loop import BackgroundLoop


class LoopFlask(Flask):
    """A Flask whose async views, decorators and hooks run on the server's own loop instead of a new one each.

    Under `api.server.asgi` a request runs in a greenlet of the loop: awaiting a coroutine switches to the loop and
    back, with no thread and no hand-off. Under plain WSGI the process has one background loop.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._background = BackgroundLoop()

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Return a synchronous function that runs `func` on the one loop (Flask's hook for that).

        The function raises RuntimeError when it is called from a coroutine on the loop: await `func` there.
        """

        @wraps(func)
        def call(*args: Any, **kwargs: Any) -> Any:
            if in_greenlet():
                return await_(func(*args, **kwargs))
            return self._background.run(func(*args, **kwargs))

        return call
