"""Redirects browsers from the root address to the documentation page."""

from collections.abc import Iterable
from typing import Any

from flask import Flask

_ADDRESS = "docs"
"""Relative, so that it works behind a path prefix of a proxy (RFC 9110 section 10.2.2)."""


def install(app: Flask) -> None:
    """Redirect GET and HEAD of `/` to the page with 303. For development only, so not in the contract."""
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/" and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            start_response("303 See Other", [("Location", _ADDRESS), ("Content-Length", "0")])
            return []
        return inner(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
