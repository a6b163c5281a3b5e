"""Who may call a view. Every view carries `@public` or `@requires(...)`; the app refuses to start otherwise."""

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
"""Whom a view was called by: the key in the environ, since Flask's `g` costs more."""
_USUAL = "Bearer "
BEARER_SCHEME = "bearerAuth"
API_KEY_SCHEME = "apiKeyAuth"


class Authenticator(Protocol):
    """Turns a credential into the principal that it stands for."""

    def cached_principal(self, token: str) -> Principal | None:
        """Return the bearer if memory alone can tell, else None; raises the problem `invalid_token`."""
        ...

    async def authenticate(self, token: str) -> Principal:
        """Return the bearer; raises the problems `invalid_token` and `database_unavailable`."""
        ...


class Guard:
    """What guards ask: whom a credential stands for, whether the login is recent enough, and whether this code runs on
    the event loop.

    authenticators: by the prefix of the credentials that they know; "" is for every other credential.
    """

    def __init__(
        self, authenticators: Mapping[str, Authenticator], step_up: StepUp, on_loop: Callable[[], bool]
    ) -> None:
        self.step_up = step_up
        self.on_loop = on_loop
        self._default = authenticators[""]
        self._by_prefix = tuple((prefix, one) for prefix, one in authenticators.items() if prefix)

    def bearer(self, authorization: str) -> Principal:
        """Return whom the value of Authorization stands for: on the loop from memory, in some µs, if that can tell;
        else by asking.
        """
        if authorization.startswith(_USUAL) and self.on_loop():
            token = authorization[len(_USUAL) :]  # in any form: what memory knows was verified, character by character
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
    scope, role: only one who has it; a role is a person's. The view finds its caller with `principal()`, or with
    `actor()` if it writes. Answers `authentication_required`, `invalid_token`, `insufficient_user_authentication`,
    `insufficient_scope`, `insufficient_role`.
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
    # What is needed, in the contract (OpenAPI 3.1, Security Requirement Object): a scope has a colon, a role none.
    needed = [one for one in (scope.name if scope else None, role) if one is not None]
    # Every access token has the scopes of the own account, so they are not asked for there; an API key has some.
    security = [{BEARER_SCHEME: [one for one in needed if one not in OWN]}]
    if not person:
        security.append({API_KEY_SCHEME: needed})
    return document(view, problems=tuple(problems), security=security)


def demand(bearer: Principal, scopes: list[str], roles: list[str]) -> None:
    """Let the bearer pass who has all of these scopes and roles.

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
    """Return the token or key in the value of Authorization (RFC 6750 section 2.1), empty if it has another form.

    Raises the problem `authentication_required` if there is none, or one of another scheme.
    """
    token = credential(authorization, "bearer")
    if token is None:
        raise AUTHENTICATION_REQUIRED()
    return token


def caller() -> Principal | None:
    """Return whom the guard of this request has let in; None in a view that everybody may call."""
    found = request.environ.get(_CALLER)
    return None if found is None else found[0]


def principal() -> Principal:
    """Return who calls; only in a view that `requires` guards, and that writes nothing on behalf of the caller."""
    bearer: Principal = request.environ[_CALLER][0]
    return bearer


def actor() -> Actor:
    """Return on whose behalf a view writes; only in a view that `requires` guards."""
    return Actor(*request.environ[_CALLER])


def check(app: Flask) -> None:
    """Raise UnguardedView if a view of `app` is neither public nor guarded."""
    unguarded = [name for name, view in app.view_functions.items() if not getattr(view, _MARK, False)]
    if unguarded:
        raise UnguardedView(f"these views have neither @public nor @requires(...): {', '.join(sorted(unguarded))}")
