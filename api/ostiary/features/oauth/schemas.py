"""Shapes of what other services ask and get."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from ostiary.core.problems import MAX_URI
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_ROLES, MAX_SCOPE_NAME, MAX_SCOPES
from ostiary.web.schemas import Answer

MAX_TOKEN_LENGTH = 16384
"""Characters: more than the header field of a request can bring to most servers, and than a token of ours has."""
MAX_HINT_LENGTH = 256
MAX_METHOD = 64
"""Characters of the name of a method or a grant."""
MAX_METHODS = 16
"""Names of methods or grants in a list."""

ACCESS_TOKEN = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"  # noqa: S105 - an example


class _TokenForm(ma.Schema):
    class Meta:
        """Options."""

        unknown = ma.EXCLUDE

    token_type_hint = fields.String(
        validate=validate.Length(0, MAX_HINT_LENGTH),
        metadata={
            "description": "Which kind it is: `access_token` or `refresh_token`. Anything else is ignored.",
            "example": "access_token",
        },
    )


class IntrospectForm(_TokenForm):
    """A token to tell about (RFC 7662 section 2.1). Other parameters are ignored."""

    token = fields.String(
        required=True,
        validate=validate.Length(1, MAX_TOKEN_LENGTH),
        metadata={"description": "An access token or a refresh token.", "example": ACCESS_TOKEN},
    )


class RevokeForm(_TokenForm):
    """A token to end (RFC 7009 section 2.1). Other parameters are ignored."""

    token = fields.String(
        required=True,
        validate=validate.Length(1, MAX_TOKEN_LENGTH),
        metadata={"description": "An access token or a refresh token.", "example": ACCESS_TOKEN},
    )


_USER = "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44"


def _text(description: str, example: str, longest: int = 64) -> fields.String:
    return fields.String(
        validate=validate.Length(max=longest), metadata={"description": description, "example": example}
    )


def _moment(description: str, example: int) -> fields.Integer:
    return fields.Integer(metadata={"description": f"{description}, in seconds since 1970 UTC.", "example": example})


class Introspection(Answer):
    """What is known of a token (RFC 7662 section 2.2). Of one that is not active nothing else is told."""

    active = fields.Boolean(
        required=True, metadata={"description": "Whether the token is good at this moment.", "example": True}
    )
    token_use = fields.String(
        validate=validate.OneOf(["access_token", "refresh_token"]),
        metadata={
            "description": "Which kind it is. A resource server must refuse a `refresh_token`.",
            "example": "access_token",
        },
    )
    token_type = fields.String(
        validate=validate.OneOf(["Bearer"]),
        metadata={"description": "How an access token is sent (RFC 6750).", "example": "Bearer"},
    )
    scope = _text(
        "The scopes of an access token, separated by spaces.", "users:read", MAX_SCOPES * (MAX_SCOPE_NAME + 1)
    )
    client_id = _text("The client that the token was issued to.", "ostiary")
    username = _text("The name of the user.", "user1")
    sub = _text("The id of the user.", _USER)
    sid = _text("The id of the session.", "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55")
    iss = _text("Who issued the token.", "https://auth.example.org", MAX_URI)
    aud = _text("Whom an access token is for.", "https://auth.example.org", MAX_URI)
    exp = _moment("When it ends", 1795435200)
    iat = _moment("When it was issued", 1795434300)
    jti = _text("The id of an access token.", "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c56")
    auth_time = _moment("When the user last proved who they are", 1795434300)
    roles = fields.List(
        fields.String(validate=validate.Length(max=MAX_ROLE_NAME)),
        validate=validate.Length(max=MAX_ROLES),
        metadata={"description": "The roles that an access token carries.", "example": ["admin"]},
    )
    amr = fields.List(
        fields.String(validate=validate.Length(max=MAX_METHOD)),
        validate=validate.Length(max=MAX_METHODS),
        metadata={"description": "How the user proved who they are (RFC 8176).", "example": ["pwd"]},
    )

    acr = _text("How well the user proved who they are (NIST SP 800-63B).", "aal1")

    @ma.post_dump
    def _leave_out(self, told: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Leave out what there is nothing to tell about."""
        return {name: value for name, value in told.items() if value is not None}


def _address(description: str, path: str) -> fields.String:
    return fields.String(
        required=True,
        metadata={"description": description, "format": "uri", "example": f"https://auth.example.org{path}"},
    )


def _names(description: str, *possible: str) -> "fields.List[Any]":
    return fields.List(
        fields.String(validate=validate.OneOf(possible) if possible else validate.Length(max=MAX_METHOD)),
        required=True,
        validate=validate.Length(max=MAX_METHODS),
        metadata={"description": description, "example": list(possible)},
    )


class ServerMetadata(Answer):
    """Where the operations for other services are, and how to authenticate there (RFC 8414 section 2)."""

    issuer = _address("`iss` of the tokens.", "")
    jwks_uri = _address("The public keys.", "/.well-known/jwks.json")
    response_types_supported = _names("Empty: there is no authorization endpoint.")
    grant_types_supported = _names("Empty: there is no token endpoint.")
    service_documentation = _address("The contract, to be explored.", "/docs")
    introspection_endpoint = _address("Introspection (RFC 7662).", "/oauth/introspect")
    introspection_endpoint_auth_methods_supported = _names(
        "How a client authenticates for introspection.", "client_secret_basic", "client_secret_post"
    )
    revocation_endpoint = _address("Revocation (RFC 7009).", "/oauth/revoke")
    revocation_endpoint_auth_methods_supported = _names(
        "How a client authenticates for revocation.", "client_secret_basic", "client_secret_post"
    )
