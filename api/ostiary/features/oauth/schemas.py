"""Request and response schemas of the OAuth operations."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from ostiary.core.problems import MAX_URI
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_ROLES, MAX_SCOPE_NAME, MAX_SCOPES
from ostiary.web.schemas import Answer

MAX_TOKEN_LENGTH = 16384
"""Maximum length of a token. It exceeds the header limit of most servers, and the length of Ostiary's tokens."""
MAX_HINT_LENGTH = 256
MAX_METHOD = 64
"""Maximum length of the name of a method or a grant."""
MAX_METHODS = 16
"""Maximum number of methods or grants in a list."""

ACCESS_TOKEN = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"  # noqa: S105 - an example


class _TokenForm(ma.Schema):
    class Meta:
        """Options."""

        unknown = ma.EXCLUDE

    token_type_hint = fields.String(
        validate=validate.Length(0, MAX_HINT_LENGTH),
        metadata={
            "description": "The type of the token: `access_token` or `refresh_token`. Other values are ignored.",
            "example": "access_token",
        },
    )


class IntrospectForm(_TokenForm):
    """A token to introspect (RFC 7662 section 2.1). Other parameters are ignored."""

    token = fields.String(
        required=True,
        validate=validate.Length(1, MAX_TOKEN_LENGTH),
        metadata={"description": "An access token or a refresh token.", "example": ACCESS_TOKEN},
    )


class RevokeForm(_TokenForm):
    """A token to revoke (RFC 7009 section 2.1). Other parameters are ignored."""

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
    """The state of a token (RFC 7662 section 2.2). For an inactive token, `active` is the only member."""

    active = fields.Boolean(required=True, metadata={"description": "Whether the token is valid now.", "example": True})
    token_use = fields.String(
        validate=validate.OneOf(["access_token", "refresh_token"]),
        metadata={
            "description": "The type of the token. A resource server must refuse a `refresh_token`.",
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
    iss = _text("The issuer of the token.", "https://auth.example.org", MAX_URI)
    aud = _text("The audience of an access token.", "https://auth.example.org", MAX_URI)
    exp = _moment("When the token expires", 1795435200)
    iat = _moment("When the token was issued", 1795434300)
    jti = _text("The id of an access token.", "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c56")
    auth_time = _moment("When the user last authenticated", 1795434300)
    roles = fields.List(
        fields.String(validate=validate.Length(max=MAX_ROLE_NAME)),
        validate=validate.Length(max=MAX_ROLES),
        metadata={"description": "The roles that an access token carries.", "example": ["admin"]},
    )
    amr = fields.List(
        fields.String(validate=validate.Length(max=MAX_METHOD)),
        validate=validate.Length(max=MAX_METHODS),
        metadata={"description": "How the user authenticated (RFC 8176).", "example": ["pwd"]},
    )

    acr = _text("The assurance level of the authentication (NIST SP 800-63B).", "aal1")

    @ma.post_dump
    def _leave_out(self, told: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Leave out members without a value."""
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
    """The addresses of the operations for other services, and their authentication methods (RFC 8414 section 2)."""

    issuer = _address("The issuer, as in the `iss` claim of access tokens.", "")
    jwks_uri = _address("The address of the public keys.", "/.well-known/jwks.json")
    response_types_supported = _names("Empty, because there is no authorization endpoint.")
    grant_types_supported = _names("Empty, because there is no token endpoint.")
    service_documentation = _address("The address of the interactive documentation.", "/docs")
    introspection_endpoint = _address("The address of token introspection (RFC 7662).", "/oauth/introspect")
    introspection_endpoint_auth_methods_supported = _names(
        "The authentication methods for introspection.", "client_secret_basic", "client_secret_post"
    )
    revocation_endpoint = _address("The address of token revocation (RFC 7009).", "/oauth/revoke")
    revocation_endpoint_auth_methods_supported = _names(
        "The authentication methods for revocation.", "client_secret_basic", "client_secret_post"
    )
