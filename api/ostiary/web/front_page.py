"""Leads a browser that opens the server's own address to the page about the contract."""

from collections.abc import Iterable
from typing import Any

from flask import Flask

_ADDRESS = "docs"
"""Relative, so that it stays behind the path prefix of a proxy (RFC 9110 section 10.2.2)."""


def install(app: Flask) -> None:
    """Answer GET and HEAD of `/` with 303 and the address of the page. For development: it is not in the contract."""
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/" and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            start_response("303 See Other", [("Location", _ADDRESS), ("Content-Length", "0")])
            return []
        return inner(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
