"""Flask whose coroutines all run on one event loop."""

import contextvars
import encodings.idna  # noqa: F401 - else Werkzeug imports it for the first request whose host it looks at
from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from io import BytesIO
from typing import IO, Any

from flask import Flask, Request, request
from sqlalchemy.util.concurrency import await_, in_greenlet
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from ostiary.core.prefix import prefix_of
from ostiary.core.proxies import TrustedProxies
from ostiary.server import forwarded
from ostiary.server.background_loop import BackgroundLoop
from ostiary.server.paths import may_match


class BoundedRequest(Request):
    """A request whose body is bounded also when its length is not announced (chunked)."""

    @cached_property
    def blueprints(self) -> list[str]:
        """The names of the current blueprint and its parents: Flask asks three times, and works it out each time."""
        return super().blueprints

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body; raises RequestEntityTooLarge, where Werkzeug would take the limit for the end of the body."""
        limit = self.max_content_length
        if limit is None or self.content_length is not None or not self.environ.get("wsgi.input_terminated"):
            return super().stream
        body = b""
        while chunk := self.environ["wsgi.input"].read(limit + 1 - len(body)):
            body += chunk
        if len(body) > limit:
            raise RequestEntityTooLarge
        return BytesIO(body)


class LoopFlask(Flask):
    """A Flask whose async views, decorators and hooks run on the server's own loop instead of a new one each.

    Under `ostiary.server.asgi` a request runs in a greenlet of the loop: awaiting a coroutine switches to the loop and
    back, with no thread and no hand-off. Under plain WSGI the process has one background loop.
    """

    request_class = BoundedRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._background = BackgroundLoop()
        self.url_map.merge_slashes = False  # `/users//1` is not found, rather than redirected
        self.trusted_proxies = TrustedProxies()
        """Whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Return a synchronous function that runs `func` on the one loop (Flask's hook for that).

        The function raises RuntimeError when it is called from a coroutine on the loop: await `func` there.
        """
        return partial(self._wait_for, func)  # Flask asks anew in every request, so it is to be cheap

    def _wait_for(self, func: Callable[..., Coroutine[Any, Any, Any]], /, *args: Any, **kwargs: Any) -> Any:
        if in_greenlet():
            return await_(func(*args, **kwargs))
        return self._background.run(func(*args, **kwargs))

    def preprocess_request(self) -> Any:
        """Let no path reach an operation that it does not look like; then run the hooks before a request (Flask)."""
        rule = request.url_rule
        if not may_match(request.environ, None if rule is None else rule.rule):
            request.url_rule, request.view_args, request.routing_exception = None, None, NotFound()
        return super().preprocess_request()

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """Serve one request, in a context of its own: a server's thread serves many, one after the other."""
        forwarded.apply(environ, self.trusted_proxies)
        prefix = prefix_of(self.config)
        if prefix:  # a proxy takes it away, and addresses in answers need it again
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME") or prefix
        environ.pop("HTTP_UPGRADE", None)  # there is nothing to upgrade to, and Werkzeug would refuse the request
        if in_greenlet():  # whose context is that of its task already
            return super().wsgi_app(environ, start_response)
        return contextvars.copy_context().run(super().wsgi_app, environ, start_response)
