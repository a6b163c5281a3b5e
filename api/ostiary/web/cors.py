"""Cross-origin resource sharing: which origins can call and read (Fetch standard, "HTTP CORS protocol").

Answers never have Access-Control-Allow-Credentials. Pages set the Authorization header themselves, and there is no
cookie that a browser could add.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, after_this_request, request
from werkzeug.exceptions import HTTPException

from ostiary.core.early_answer import EarlyAnswer
from ostiary.web.blueprint import no_content

View = TypeVar("View", bound=Callable[..., Any])
Headers = list[tuple[str, str]]
Refuse = Callable[[dict[str, Any]], EarlyAnswer | None]

REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match")
"""The request headers of the contract that need a permission."""
EXPOSED_HEADERS = ("ETag", "Idempotent-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate")
"""The response headers of the contract that pages cannot read without a permission."""
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
"""The methods that a preflight for an unknown path allows, so that the page can read the 404."""
PUBLIC = "/.well-known/"
"""Metadata and public keys below this path are open to every origin, regardless of the setting."""
MAX_AGE = 600
"""Seconds for which browsers can cache the answer to a preflight. Chromium's limit is 7200."""

_EXPOSE = ("Access-Control-Expose-Headers", ", ".join(EXPOSED_HEADERS))
_FOR_EVERYBODY: Headers = [("Access-Control-Allow-Origin", "*"), _EXPOSE]


def open_to_every_origin(view: View) -> View:
    """Let pages of every origin read the answers of `view`, including errors. Its path must begin with PUBLIC."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Any:
        after_this_request(_open)
        return view(*args, **kwargs)

    return opened  # type: ignore[return-value]


def install(app: Flask, origins: frozenset[str]) -> None:
    """Answer pages of `origins` on every path, and pages of every origin below PUBLIC.

    Without origins, only OPTIONS requests have extra costs.
    """
    options = app.make_default_options_response

    def options_response() -> Response:
        if not (request.path.startswith(PUBLIC) and _is_preflight(request.environ)):
            return options()
        answer = no_content()
        answer.headers.extend(_preflight_headers("*", "GET, HEAD"))
        return answer

    app.make_default_options_response = options_response  # type: ignore[method-assign]
    if origins:
        _wrap(app, origins)


def _wrap(app: Flask, origins: frozenset[str]) -> None:
    inner = app.wsgi_app
    permissions: dict[str, Headers] = {origin: [("Access-Control-Allow-Origin", origin), _EXPOSE] for origin in origins}

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(PUBLIC):
            permission, varies = _FOR_EVERYBODY, False
        else:
            permission, varies = permissions.get(environ.get("HTTP_ORIGIN", ""), []), True
        methods = _methods(app, environ) if permission and _is_preflight(environ) else None
        if methods is not None:
            headers = _preflight_headers(permission[0][1], methods)
            start_response("204 No Content", [*headers, ("Vary", "Origin")] if varies else headers)
            return []

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            present = {name.lower() for name, _ in headers}
            headers += [one for one in permission if one[0].lower() not in present]
            if varies:
                _vary(headers)
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]


def early(refuse: Refuse, origins: frozenset[str]) -> Refuse:
    """Wrap `refuse`, which answers from the head of a request, to add the permissions for pages of `origins`."""
    if not origins:
        return refuse

    def permitted(scope: dict[str, Any]) -> EarlyAnswer | None:
        refused = refuse(scope)
        if refused is None:
            return None
        origin = b", ".join(value for name, value in scope["headers"] if name == b"origin").decode("latin-1")
        headers = [*refused.headers, (b"vary", b"Origin")]
        if origin in origins:
            permission = [("Access-Control-Allow-Origin", origin), _EXPOSE]
            headers += [(name.lower().encode(), value.encode()) for name, value in permission]
        return EarlyAnswer(refused.status, headers, refused.body, refused.delay)

    return permitted


def _open(answer: Response) -> Response:
    answer.headers.update(_FOR_EVERYBODY)
    return answer


def _is_preflight(environ: dict[str, Any]) -> bool:
    """Return whether a request is a CORS-preflight request (Fetch standard, "CORS-preflight request")."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def _preflight_headers(origin: str, methods: str) -> Headers:
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", ", ".join(REQUEST_HEADERS)),
        ("Access-Control-Max-Age", str(MAX_AGE)),
    ]


def _methods(app: Flask, environ: dict[str, Any]) -> str | None:
    """Return the methods of a path, or all methods of the contract if the path does not exist.

    None: the path serves OPTIONS itself. Proxies ask there whether a request may pass. A successful answer to a
    preflight would let every request pass.
    """
    try:
        address = app.url_map.bind_to_environ(environ)
        rule, _ = address.match(return_rule=True)
        found = address.allowed_methods()
    except HTTPException:  # nothing there, or a Host header that names no host
        return ", ".join(METHODS)
    if not getattr(rule, "provide_automatic_options", True):
        return None
    return ", ".join(sorted(set(found) - {"OPTIONS"}))


def _vary(headers: Headers) -> None:
    """Add Origin to the field Vary, in one line with what is there (RFC 9110 section 12.5.5)."""
    present = [value for name, value in headers if name.lower() == "vary"]
    members = [member.strip() for value in present for member in value.split(",")]
    if "*" in members or "origin" in map(str.lower, members):
        return
    headers[:] = [(name, value) for name, value in headers if name.lower() != "vary"]
    headers.append(("Vary", ", ".join([*members, "Origin"])))
