"""Guards of views. Every view needs `@public` or `@requires(...)`; otherwise the app does not start."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Protocol, TypeVar

from flask import Flask, current_app, request

from ostiary.core.actor import Actor
from ostiary.core.fields import credential
from ostiary.core.principal import Principal
from ostiary.core.problems import (
    AUTHENTICATION_REQUIRED,
    BEARER,
    DATABASE_UNAVAILABLE,
    INSUFFICIENT_ROLE,
    INSUFFICIENT_SCOPE,
    INSUFFICIENT_USER_AUTHENTICATION,
    INVALID_TOKEN,
)
from ostiary.core.scopes import OWN, Scope
from ostiary.core.step_up import StepUp
from ostiary.web.blueprint import document

View = TypeVar("View", bound=Callable[..., Any])

_MARK = "_ostiary_guarded"
_GUARD = "ostiary.guard"
_CALLER = "ostiary.caller"
"""The key of the caller in the WSGI environ. Flask's `g` would cost more."""
_USUAL = "Bearer "
BEARER_SCHEME = "bearerAuth"
API_KEY_SCHEME = "apiKeyAuth"


class Authenticator(Protocol):
    """Resolves a credential to its principal."""

    def cached_principal(self, token: str) -> Principal | None:
        """Return the bearer if it is cached, else None; raises the problem `invalid_token`."""
        ...

    async def authenticate(self, token: str) -> Principal:
        """Return the bearer; raises the problems `invalid_token` and `database_unavailable`."""
        ...


class Guard:
    """Authenticates credentials, and checks whether the login is recent and whether the code runs on the event loop.

    authenticators: by the prefix of their credentials; "" for all other credentials.
    """

    def __init__(
        self, authenticators: Mapping[str, Authenticator], step_up: StepUp, on_loop: Callable[[], bool]
    ) -> None:
        self.step_up = step_up
        self.on_loop = on_loop
        self._default = authenticators[""]
        self._by_prefix = tuple((prefix, one) for prefix, one in authenticators.items() if prefix)

    def bearer(self, authorization: str) -> Principal:
        """Return the principal of an Authorization header: from the cache in some µs if possible, else by a look-up."""
        if authorization.startswith(_USUAL) and self.on_loop():
            token = authorization[len(_USUAL) :]  # in any form: cached values were verified, character by character
            known = self._authenticator(token).cached_principal(token)
            if known is not None:
                return known
        token = bearer_token(authorization)
        found: Principal = current_app.async_to_sync(self._authenticator(token).authenticate)(token)
        return found

    def _authenticator(self, token: str) -> Authenticator:
        for prefix, authenticator in self._by_prefix:
            if token.startswith(prefix):
                return authenticator
        return self._default


class UnguardedView(Exception):
    """A view has neither `@public` nor `@requires(...)`."""


def install(app: Flask, guard: Guard) -> None:
    """Set the guard of the views of `app`."""
    app.extensions[_GUARD] = guard


def public(view: View) -> View:
    """Let everybody call `view`."""
    setattr(view, _MARK, True)
    return document(view, security=[])


def requires(
    *, scope: Scope | None = None, role: str | None = None, fresh: bool = False, session: bool = False
) -> Callable[[View], View]:
    """Let only bearers of a valid access token or API key call the view.

    session: requires a session, so API keys are refused. fresh: also requires a recent login (RFC 9470). scope, role:
    required of the bearer; API keys have no roles. The view gets its caller from `principal()`, or from `actor()` if it
    writes. The guard answers `authentication_required`, `invalid_token`, `insufficient_user_authentication`,
    `insufficient_scope` or `insufficient_role`.
    """
    person = fresh or session or role is not None  # API keys have scopes and no roles
    scopes = [] if scope is None else [scope.name]
    roles = [] if role is None else [role]

    def permit(bearer: Principal) -> None:
        demand(bearer, scopes, roles)

    def decorator(view: View) -> View:
        is_async = iscoroutinefunction(view)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            guard: Guard = current_app.extensions[_GUARD]
            environ = request.environ
            bearer = guard.bearer(environ.get("HTTP_AUTHORIZATION", ""))
            if person:
                guard.step_up.require(bearer, fresh=fresh)
            permit(bearer)
            environ[_CALLER] = bearer, permit
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
    # The requirements in the contract (OpenAPI 3.1, Security Requirement Object). Scopes have a colon, roles do not.
    needed = [one for one in (scope.name if scope else None, role) if one is not None]
    # Every access token has the scopes of the user's own account, so only API keys must list them.
    security = [{BEARER_SCHEME: [one for one in needed if one not in OWN]}]
    if not person:
        security.append({API_KEY_SCHEME: needed})
    return document(view, problems=tuple(problems), security=security)


def demand(bearer: Principal, scopes: list[str], roles: list[str]) -> None:
    """Check that the bearer has all of these scopes and roles.

    Raises the problems `insufficient_scope`, which names all of the scopes, and `insufficient_role`, which names the
    first role that is missing.
    """
    if not bearer.scopes.issuperset(scopes):
        challenge = f'{BEARER}, error="insufficient_scope", scope="{" ".join(scopes)}"'
        raise INSUFFICIENT_SCOPE(challenge=challenge, required_scopes=scopes, held_scopes=sorted(bearer.scopes))
    for role in roles:
        if role not in bearer.roles:
            raise INSUFFICIENT_ROLE(required_roles=[role], held_roles=sorted(bearer.roles))


def bearer_token(authorization: str) -> str:
    """Return the token or key in an Authorization header (RFC 6750 section 2.1); empty if it is malformed.

    Raises the problem `authentication_required` if the header is missing or has another scheme.
    """
    token = credential(authorization, "bearer")
    if token is None:
        raise AUTHENTICATION_REQUIRED()
    return token


def caller() -> Principal | None:
    """Return the caller that the guard accepted; None in public views."""
    found = request.environ.get(_CALLER)
    return None if found is None else found[0]


def principal() -> Principal:
    """Return the caller. Only for views with `requires` that write nothing on behalf of the caller."""
    bearer: Principal = request.environ[_CALLER][0]
    return bearer


def actor() -> Actor:
    """Return the actor on whose behalf a view writes. Only for views with `requires`."""
    return Actor(*request.environ[_CALLER])


def check(app: Flask) -> None:
    """Raise UnguardedView if a view of `app` is neither public nor guarded."""
    unguarded = [name for name, view in app.view_functions.items() if not getattr(view, _MARK, False)]
    if unguarded:
        raise UnguardedView(f"these views have neither @public nor @requires(...): {', '.join(sorted(unguarded))}")
