"""A Flask whose coroutines all run on one event loop."""

import contextvars
import encodings.idna  # noqa: F401 - otherwise Werkzeug imports it during the first request that needs its host
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
    """A request with a limit on its body, even if its length is not announced (chunked)."""

    @cached_property
    def blueprints(self) -> list[str]:
        """The names of the current blueprint and its parents. They are cached, because Flask asks three times."""
        return super().blueprints

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. Raises RequestEntityTooLarge; Werkzeug would treat the limit as the end of the body."""
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
    """A Flask whose async views, decorators and hooks run on the server's own loop, not on a new loop each.

    Under `ostiary.server.asgi` a request runs in a greenlet of the loop. Awaiting a coroutine switches to the loop and
    back, without a thread or a hand-off. Under plain WSGI the process has one background loop.
    """

    request_class = BoundedRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._background = BackgroundLoop()
        self.url_map.merge_slashes = False  # `/users//1` is not found; it is not redirected
        self.trusted_proxies = TrustedProxies()
        """The proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted."""

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Return a synchronous function that runs `func` on the loop. Flask calls this for async functions.

        The function raises RuntimeError when it is called from a coroutine on the loop: await `func` there.
        """
        return partial(self._wait_for, func)  # cheap, because Flask calls this in every request

    def _wait_for(self, func: Callable[..., Coroutine[Any, Any, Any]], /, *args: Any, **kwargs: Any) -> Any:
        if in_greenlet():
            return await_(func(*args, **kwargs))
        return self._background.run(func(*args, **kwargs))

    def preprocess_request(self) -> Any:
        """Answer with 404 if the path must not match the route; then run Flask's hooks before a request."""
        rule = request.url_rule
        if not may_match(request.environ, None if rule is None else rule.rule):
            request.url_rule, request.view_args, request.routing_exception = None, None, NotFound()
        return super().preprocess_request()

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """Serve one request in a context of its own, because a server's thread serves many requests in turn."""
        forwarded.apply(environ, self.trusted_proxies)
        prefix = prefix_of(self.config)
        if prefix:  # the proxy has removed it, but URLs in answers need it
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME") or prefix
        environ.pop("HTTP_UPGRADE", None)  # no upgrade is supported, and Werkzeug would refuse the request
        if in_greenlet():  # the task already has a context of its own
            return super().wsgi_app(environ, start_response)
        return contextvars.copy_context().run(super().wsgi_app, environ, start_response)
