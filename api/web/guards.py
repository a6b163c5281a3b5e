"""Who may call a view. Every view carries `@public` or `@requires(...)`; the app refuses to start otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Protocol, TypeVar

from flask import Flask, current_app, g, request

from api.core.api_keys import PREFIX
from api.core.principal import Principal
from api.core.problems import (
    AUTHENTICATION_REQUIRED,
    BEARER,
    DATABASE_UNAVAILABLE,
    INSUFFICIENT_ROLE,
    INSUFFICIENT_SCOPE,
    INSUFFICIENT_USER_AUTHENTICATION,
    INVALID_TOKEN,
    Problem,
)
from api.core.scopes import OWN, Scope
from api.core.step_up import StepUp
from api.web.blueprint import document

View = TypeVar("View", bound=Callable[..., Any])

_MARK = "_ostiary_guarded"
_GUARD = "ostiary.guard"
BEARER_SCHEME = "bearerAuth"
API_KEY_SCHEME = "apiKeyAuth"


class Authenticator(Protocol):
    """Turns a credential into the principal that it stands for."""

    def recall(self, token: str) -> Principal | None:
        """Return the bearer if memory alone can tell, else None; raises the problem `invalid_token`."""
        ...

    async def authenticate(self, token: str) -> Principal:
        """Return the bearer; raises the problems `invalid_token` and `database_unavailable`."""
        ...


@dataclass(frozen=True)
class Guard:
    """What guards ask: who bears an access token or an API key, whether the log-in suffices, and whether this code
    runs on the event loop.
    """

    access_tokens: Authenticator
    api_keys: Authenticator
    step_up: StepUp
    on_loop: Callable[[], bool]

    def bearer(self, token: str) -> Principal:
        """Return the bearer of `token`: on the loop from memory, in some µs, if that can tell; else by asking."""
        authenticator = self.api_keys if token.startswith(PREFIX) else self.access_tokens
        bearer = authenticator.recall(token) if self.on_loop() else None
        if bearer is None:
            found: Principal = current_app.async_to_sync(authenticator.authenticate)(token)
            return found
        return bearer


class UnguardedView(Exception):
    """A view says neither who may call it nor that everybody may."""


def install(app: Flask, guard: Guard) -> None:
    """Make `guard` the one that the views of `app` ask."""
    app.extensions[_GUARD] = guard


def public(view: View) -> View:
    """Let everybody call `view`."""
    setattr(view, _MARK, True)
    return document(view, security=[])


def requires(
    *, scope: Scope | None = None, role: str | None = None, fresh: bool = False, session: bool = False
) -> Callable[[View], View]:
    """Let only the bearer of a valid access token or API key call the view.

    session: only a person who has logged in, which the bearer of an API key has not; fresh: and lately (RFC 9470).
    scope, role: only one who has it; a role is a person's. The view finds its caller with `principal()`. Answers
    `authentication_required`, `invalid_token`, `insufficient_user_authentication`, `insufficient_scope`,
    `insufficient_role`.
    """
    person = fresh or session or role is not None  # API keys have scopes and no roles

    def decorator(view: View) -> View:
        is_async = iscoroutinefunction(view)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            guard: Guard = current_app.extensions[_GUARD]
            bearer = guard.bearer(bearer_token())
            if person:
                guard.step_up.require(bearer, fresh=fresh)
            if scope is not None and scope.name not in bearer.scopes:
                raise _insufficient_scope(scope, bearer)
            if role is not None and role not in bearer.roles:
                raise INSUFFICIENT_ROLE(required_roles=[role], held_roles=sorted(bearer.roles))
            g.principal = bearer
            if is_async:
                return current_app.async_to_sync(view)(*args, **kwargs)
            return view(*args, **kwargs)

        setattr(guarded, _MARK, True)
        return _documented(guarded, scope, role, person=person)  # type: ignore[return-value]

    return decorator


def _documented(view: View, scope: Scope | None, role: str | None, *, person: bool) -> View:
    problems = [AUTHENTICATION_REQUIRED, INVALID_TOKEN, DATABASE_UNAVAILABLE]
    if person:
        problems.append(INSUFFICIENT_USER_AUTHENTICATION)
    if scope is not None:
        problems.append(INSUFFICIENT_SCOPE)
    if role is not None:
        problems.append(INSUFFICIENT_ROLE)
    # What is needed, in the contract (OpenAPI 3.1, Security Requirement Object): a scope has a colon, a role none.
    needed = [one for one in (scope.name if scope else None, role) if one is not None]
    # Every access token has the scopes of the own account, so they are not asked for there; an API key has some.
    security = [{BEARER_SCHEME: [one for one in needed if one not in OWN]}]
    if not person:
        security.append({API_KEY_SCHEME: needed})
    return document(view, problems=tuple(problems), security=security)


def _insufficient_scope(scope: Scope, bearer: Principal) -> Problem:
    challenge = f'{BEARER}, error="insufficient_scope", scope="{scope.name}"'
    return INSUFFICIENT_SCOPE(challenge=challenge, required_scopes=[scope.name], held_scopes=sorted(bearer.scopes))


def bearer_token() -> str:
    """Return the token or key of the Authorization header (RFC 6750 section 2.1); raises `authentication_required`."""
    scheme, _, token = str(request.environ.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
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
