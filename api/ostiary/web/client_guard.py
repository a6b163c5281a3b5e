"""Guards views for other services: only service clients can call them (RFC 6749 section 2.3.1).

A client authenticates by HTTP Basic (`client_secret_basic`) or with its id and secret in the form
(`client_secret_post`).
"""

import base64
import binascii
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from flask import Flask, current_app, g, request

from ostiary.core.fields import credential
from ostiary.core.problems import DATABASE_UNAVAILABLE, ProblemType
from ostiary.web.blueprint import document
from ostiary.web.form_body import INVALID_REQUEST, is_form, parse
from ostiary.web.guards import _MARK

View = TypeVar("View", bound=Callable[..., Any])

CLIENT_SCHEME = "clientAuth"
BASIC = 'Basic realm="ostiary", charset="UTF-8"'

CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a parameter

_AUTHENTICATOR = "ostiary.client_authenticator"
_MAX_CREDENTIALS = 4096
"""Maximum length of the encoded pair. Ostiary's have about 100 characters, or 300 if each is escaped."""
_FORM_ENCODED = re.compile(r"(?:[!-$&-9;-~]|%[0-9A-Fa-f]{2})*")


INVALID_CLIENT = ProblemType(
    code="invalid_client",
    status=401,
    title="The service client is unknown",
    detail="Send the id and secret of a service client, by HTTP Basic or as client_id and client_secret in the form.",
    remedy=(
        "Create a client on the server (ostiary clients create NAME). Send its id and secret in one of the two ways."
    ),
    challenge=BASIC,
)

UNAUTHORIZED_CLIENT = ProblemType(
    code="unauthorized_client",
    status=400,
    title="The service client is not allowed to do this",
    detail="This service client can introspect tokens, but not revoke them.",
    remedy="Create a client with this right on the server: ostiary clients create NAME --may-revoke.",
)
"""RFC 7009 section 2.1: the token was issued to another; the status is that of RFC 6749 section 5.2."""


class ClientAuthenticator(Protocol):
    """Knows the service clients."""

    async def authenticate_client(self, client_id: str, secret: str, *, may_revoke: bool = False) -> bool:
        """Return whether there is a client of this id and secret, and, if so asked, whether it may revoke tokens.

        Raises the problem `database_unavailable`.
        """
        ...


def install(app: Flask, authenticator: ClientAuthenticator) -> None:
    """Set the `authenticator` that the guard uses."""
    app.extensions[_AUTHENTICATOR] = authenticator


def requires_client(*, may_revoke: bool = False) -> Callable[[View], View]:
    """Let only service clients call the view; others get `invalid_client`. The view gets the id from `client_id()`.

    may_revoke: let only clients that can revoke tokens; others get `unauthorized_client`.
    """
    problems = (INVALID_CLIENT, *((UNAUTHORIZED_CLIENT,) if may_revoke else ()), DATABASE_UNAVAILABLE)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            authenticator: ClientAuthenticator = current_app.extensions[_AUTHENTICATOR]
            authenticate_client = current_app.async_to_sync(authenticator.authenticate_client)
            client_id, secret = _credentials()
            if not authenticate_client(client_id, secret, may_revoke=may_revoke):
                if may_revoke and authenticate_client(client_id, secret):
                    raise UNAUTHORIZED_CLIENT()
                raise INVALID_CLIENT()
            if "HTTP_AUTHORIZATION" in request.environ:
                _refuse_second_way(client_id)
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
    """Return the id and secret in the request. Raises `invalid_client`, and what `_form` raises.

    If the request has an Authorization header, only that header counts.
    """
    authorization = request.environ.get("HTTP_AUTHORIZATION")
    if authorization is not None:
        return _basic(authorization)
    form = _form()
    client_id, secret = form.get(CLIENT_ID, ""), form.get(CLIENT_SECRET, "")
    if not client_id or not secret or len(client_id) + len(secret) > _MAX_CREDENTIALS:
        raise INVALID_CLIENT()
    return client_id, secret


def _form() -> dict[str, str]:
    """Return the id and secret in the form, if present. Raises `invalid_request` and `body_too_large`."""
    if not is_form(request.environ):
        return {}
    return parse(request.get_data(cache=True), (CLIENT_ID, CLIENT_SECRET))


def _refuse_second_way(client_id: str) -> None:
    """Raise `invalid_request` if a client that authenticated by Basic also authenticates in the form.

    A client must not use more than one way (RFC 6749 section 2.3). An id alone is not authentication (section 3.2.1).
    """
    form = _form()
    if CLIENT_SECRET in form or form.get(CLIENT_ID, client_id) != client_id:
        raise INVALID_REQUEST("Authenticate in one way: by HTTP Basic, or with client_secret in the form.")


def _basic(authorization: str) -> tuple[str, str]:
    """Return id and secret of a header Authorization (RFC 7617); raises `invalid_client`.

    Both were form-urlencoded before they were put together (RFC 6749 section 2.3.1), in UTF-8.
    """
    encoded = credential(authorization, "basic")
    try:
        if not encoded or len(encoded) > _MAX_CREDENTIALS:
            raise ValueError("another scheme or form")
        pair = base64.b64decode(encoded, validate=True)
        if base64.b64encode(pair).decode() != encoded:  # bits after the last byte would make other spellings
            raise ValueError("not as base64 is written")
        client_id, colon, secret = pair.decode("ascii").partition(":")
        if not colon:
            raise ValueError("no colon")
        return _decoded(client_id), _decoded(secret)
    except (binascii.Error, ValueError) as error:  # a UnicodeError is a ValueError
        raise INVALID_CLIENT() from error


def _decoded(text: str) -> str:
    """Return the decoded text; raises ValueError for malformed text and control characters (RFC 7617)."""
    if not _FORM_ENCODED.fullmatch(text):
        raise ValueError("not form-urlencoded")
    decoded = unquote_to_bytes(text.replace("+", " ")).decode()
    if not decoded.isprintable():
        raise ValueError("control characters")
    return decoded
