"""Adds the header fields of every answer."""

from collections.abc import Iterable
from typing import Any

from flask import Flask

from ostiary.core.headers import ALWAYS

_ALWAYS = tuple((name, name.lower(), value) for name, value in ALWAYS)


def install(app: Flask) -> None:
    """Prevent type sniffing of all answers of `app`, and caching unless a view allows it.

    It wraps the application. A hook would cost each request four times as much.
    """
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            present = [name.lower() for name, _ in headers]
            headers += [(name, value) for name, lowered, value in _ALWAYS if lowered not in present]
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
