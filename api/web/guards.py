"""Who may call a view. Every view carries `@public` or `@requires(...)`; the app refuses to start otherwise."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

from flask import Flask, current_app, g, request

from api.core.principal import Principal
from api.core.problems import (
    AUTHENTICATION_REQUIRED,
    DATABASE_UNAVAILABLE,
    INSUFFICIENT_ROLE,
    INSUFFICIENT_USER_AUTHENTICATION,
    INVALID_TOKEN,
)
from api.web.blueprint import document

View = TypeVar("View", bound=Callable[..., Any])

_MARK = "_ostiary_guarded"
_AUTHENTICATOR = "ostiary.authenticator"
BEARER_SCHEME = "bearerAuth"


class Authenticator(Protocol):
    """Turns an access token into the principal that it stands for."""

    async def authenticate(self, token: str) -> Principal:
        """Return the bearer; raises the problems `invalid_token` and `database_unavailable`."""
        ...

    def require_fresh(self, bearer: Principal) -> None:
        """Return if the bearer has logged in recently; else raise `insufficient_user_authentication`."""
        ...


class UnguardedView(Exception):
    """A view says neither who may call it nor that everybody may."""


def install(app: Flask, authenticator: Authenticator) -> None:
    """Make `authenticator` the one that guards ask."""
    app.extensions[_AUTHENTICATOR] = authenticator


def public(view: View) -> View:
    """Let everybody call `view`."""
    setattr(view, _MARK, True)
    return document(view, security=[])


def requires(*, role: str | None = None, fresh: bool = False) -> Callable[[View], View]:
    """Let only the bearer of a valid access token call the view.

    role: only one who holds it. fresh: only one who has logged in recently (RFC 9470). The view finds its caller with
    `principal()`. Answers `authentication_required`, `invalid_token`, `insufficient_user_authentication`,
    `insufficient_role`.
    """
    problems = [AUTHENTICATION_REQUIRED, INVALID_TOKEN, DATABASE_UNAVAILABLE]
    if fresh:
        problems.append(INSUFFICIENT_USER_AUTHENTICATION)
    if role is not None:
        problems.append(INSUFFICIENT_ROLE)

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            authenticator: Authenticator = current_app.extensions[_AUTHENTICATOR]
            bearer: Principal = current_app.async_to_sync(authenticator.authenticate)(bearer_token())
            if role is not None and role not in bearer.roles:
                raise INSUFFICIENT_ROLE(required_roles=[role], held_roles=sorted(bearer.roles))
            if fresh:
                authenticator.require_fresh(bearer)
            g.principal = bearer
            return current_app.ensure_sync(view)(*args, **kwargs)

        setattr(guarded, _MARK, True)
        needed = [] if role is None else [role]  # the roles needed (OpenAPI 3.1, Security Requirement Object)
        return document(guarded, problems=tuple(problems), security=[{BEARER_SCHEME: needed}])  # type: ignore[return-value]

    return decorator


def bearer_token() -> str:
    """Return the token of the Authorization header (RFC 6750 section 2.1); raises `authentication_required`."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise AUTHENTICATION_REQUIRED()
    return token.strip()


def principal() -> Principal:
    """Return who calls; only in a view that `requires` guards."""
    caller: Principal = g.principal
    return caller


def check(app: Flask) -> None:
    """Raise UnguardedView if a view of `app` is neither public nor guarded."""
    unguarded = [name for name, view in app.view_functions.items() if not getattr(view, _MARK, False)]
    if unguarded:
        raise UnguardedView(f"these views have neither @public nor @requires(...): {', '.join(sorted(unguarded))}")
