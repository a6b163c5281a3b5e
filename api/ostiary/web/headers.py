"""Adds the header fields that every answer carries."""

from collections.abc import Iterable
from typing import Any

from flask import Flask

from ostiary.core.headers import ALWAYS

_ALWAYS = tuple((name, name.lower(), value) for name, value in ALWAYS)


def install(app: Flask) -> None:
    """Let no answer of `app` be guessed at by type, and none be kept by caches unless its view says so.

    Around the application rather than as one of its hooks, which costs each request four times as much.
    """
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            present = [name.lower() for name, _ in headers]
            headers += [(name, value) for name, lowered, value in _ALWAYS if lowered not in present]
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
