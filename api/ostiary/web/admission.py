"""Admission of operations that hash passwords: they are refused early while too many are waiting.

Ostiary's own server decides from the head of the request, before it reads the body. Under other servers the view
decides, before it parses the body. In both cases the database is not queried.
"""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from flask import Flask, current_app

from ostiary.core.early_answer import EarlyAnswer
from ostiary.core.headers import ALWAYS
from ostiary.core.prefix import prefix_of
from ostiary.core.problems import OVERLOADED, Problem
from ostiary.web.blueprint import document

View = TypeVar("View", bound=Callable[..., Any])

_MARK = "_ostiary_hashes"
_POOL = "ostiary.hash_pool"
_PARAMETER = re.compile(r"<[^>]+>")


class Pace(Protocol):
    """Decides when to answer a refusal."""

    def delay(self) -> float:
        """Return the number of seconds by which to delay the answer of this refusal."""
        ...


class Pool(Protocol):
    """The pool that hashes passwords."""

    @property
    def refusals(self) -> Pace:
        """The pace of refusals."""
        ...

    def refusal(self) -> Problem | None:
        """Return the problem `overloaded` if a hash would be refused now, else None."""
        ...

    def place(self) -> AbstractContextManager[None]:
        """Reserve a place for one hash; raises the problem `overloaded`."""
        ...


def install(app: Flask, pool: Pool) -> None:
    """Let `pool` decide about the operations of `app`."""
    app.extensions[_POOL] = pool


def hashes(view: View) -> View:
    """Declare that `view` hashes passwords. Requests are refused (`overloaded`) while too many are waiting.

    Place it above `arguments`, so that refused bodies are not parsed. Every view that hashes needs it: it adds the
    problem to the contract, and the server checks only views with this mark.
    """

    @wraps(view)
    def admitted(*args: Any, **kwargs: Any) -> Any:
        pool: Pool = current_app.extensions[_POOL]
        with pool.place():
            return current_app.ensure_sync(view)(*args, **kwargs)

    setattr(admitted, _MARK, True)
    return document(admitted, problems=(OVERLOADED,))  # type: ignore[return-value]


def is_marked(view: Callable[..., Any]) -> bool:
    """Return whether `view` is marked as hashing passwords. Decorators above `hashes` keep the mark."""
    return getattr(view, _MARK, False)


class Admission:
    """Decides by method and path about the operations of `app` that hash passwords."""

    def __init__(self, app: Flask, pool: Pool) -> None:
        self._pool = pool
        paths: dict[str, list[str]] = {}
        for rule in app.url_map.iter_rules():
            if is_marked(app.view_functions[rule.endpoint]):
                for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                    paths.setdefault(method, []).append(_pattern(rule.rule))
        self._paths = {method: re.compile("|".join(patterns)) for method, patterns in paths.items()}
        self._body = json.dumps(OVERLOADED().body(prefix_of(app.config)), separators=(",", ":")).encode()
        self._headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(self._body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in ALWAYS),
        ]

    def refuse(self, scope: dict[str, Any]) -> EarlyAnswer | None:
        """Return the answer if the request in an ASGI scope is refused. Takes less than 1 µs if it is not."""
        paths = self._paths.get(scope["method"])
        if paths is None or not paths.fullmatch(unquote_to_bytes(scope["raw_path"]).decode("latin-1")):
            return None
        refused = self._pool.refusal()
        if refused is None:
            return None
        headers = [(name.lower().encode(), value.encode()) for name, value in refused.headers().items()]
        return EarlyAnswer(refused.kind.status, self._headers + headers, self._body, self._pool.refusals.delay())


def _pattern(rule: str) -> str:
    """Return the regular expression for the paths of a route."""
    return "[^/]+".join(map(re.escape, _PARAMETER.split(rule)))
