"""Who may call a view that is for other services: a service client, by HTTP Basic (RFC 6749 section 2.3.1)."""

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote_plus

from flask import Flask, current_app, g, request

from api.core.problems import DATABASE_UNAVAILABLE, ProblemType
from api.web.blueprint import document
from api.web.guards import _MARK

View = TypeVar("View", bound=Callable[..., Any])

CLIENT_SCHEME = "clientAuth"
BASIC = 'Basic realm="ostiary", charset="UTF-8"'

_AUTHENTICATOR = "ostiary.client_authenticator"


def oauth_error(code: str) -> dict[str, Any]:
    """Return the member that a problem of OAuth's operations has beside those of any problem, as a JSON Schema."""
    return {"error": {"type": "string", "enum": [code], "description": "OAuth's own code (RFC 6749 section 5.2)."}}


INVALID_CLIENT = ProblemType(
    code="invalid_client",
    status=401,
    title="The service client is not known",
    detail="Send the id and secret of a service client: Authorization: Basic <base64 of id:secret>.",
    remedy="Make a client on the server (ostiary clients create NAME) and send its id and secret by HTTP Basic.",
    challenge=BASIC,
    members=oauth_error("invalid_client"),
    example={"error": "invalid_client"},
)

UNAUTHORIZED_CLIENT = ProblemType(
    code="unauthorized_client",
    status=400,
    title="The service client may not do this",
    detail="This service client may ask about tokens, but not revoke them.",
    remedy="Make a client that may, on the server: ostiary clients create NAME --may-revoke.",
    members=oauth_error("unauthorized_client"),
    example={"error": "unauthorized_client"},
)
"""RFC 7009 section 2.1: the token was issued to another; the status is that of RFC 6749 section 5.2."""


class ClientAuthenticator(Protocol):
    """Knows the service clients."""

    async def is_client(self, client_id: str, secret: str, *, may_revoke: bool = False) -> bool:
        """Return whether there is a client of this id and secret, and, if so asked, whether it may revoke tokens.

        Raises the problem `database_unavailable`.
        """
        ...


def install(app: Flask, authenticator: ClientAuthenticator) -> None:
    """Make `authenticator` the one that the guard asks."""
    app.extensions[_AUTHENTICATOR] = authenticator


def requires_client(*, may_revoke: bool = False) -> Callable[[View], View]:
    """Let only a service client call the view, which finds it with `client_id()`; answers `invalid_client`.

    may_revoke: let only one that may revoke tokens; answers `unauthorized_client` to others.
    """
    problems = (INVALID_CLIENT, *((UNAUTHORIZED_CLIENT,) if may_revoke else ()), DATABASE_UNAVAILABLE)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            authenticator: ClientAuthenticator = current_app.extensions[_AUTHENTICATOR]
            is_client = current_app.async_to_sync(authenticator.is_client)
            client_id, secret = _credentials()
            if not is_client(client_id, secret, may_revoke=may_revoke):
                if may_revoke and is_client(client_id, secret):
                    raise UNAUTHORIZED_CLIENT(error=UNAUTHORIZED_CLIENT.code)
                raise INVALID_CLIENT(error=INVALID_CLIENT.code)
            g.client_id = client_id
            return current_app.ensure_sync(view)(*args, **kwargs)

        setattr(guarded, _MARK, True)
        return document(guarded, problems=problems, security=[{CLIENT_SCHEME: []}])  # type: ignore[return-value]

    return decorate


def client_id() -> str:
    """Return the id of the service client that calls; only in a view that `requires_client` guards."""
    caller: str = g.client_id
    return caller


def _credentials() -> tuple[str, str]:
    """Return id and secret of the Authorization header; raises `invalid_client`.

    Both were form-urlencoded before they were put together (RFC 6749 section 2.3.1), in UTF-8.
    """
    scheme, _, encoded = request.headers.get("Authorization", "").strip().partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError("another scheme")
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        if not colon:
            raise ValueError("no colon")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:  # a UnicodeError is a ValueError
        raise INVALID_CLIENT(error=INVALID_CLIENT.code) from error
