"""Shapes of keys."""

from marshmallow import fields, validate

from ostiary.web.schemas import Answer

COORDINATE_LENGTH = 43
"""Characters of 32 bytes in base64url (RFC 7518 section 6.2.1.2)."""
MAX_KEYS = 100
"""Keys that are published; a key follows another after minutes and goes after the life of a token."""


class Jwk(Answer):
    """A public key of the kind EC P-256 (RFC 7517, RFC 7518 section 6.2)."""

    kty = fields.String(
        required=True,
        validate=validate.OneOf(["EC"]),
        metadata={"description": "The family of keys: elliptic curve.", "example": "EC"},
    )
    crv = fields.String(
        required=True, validate=validate.OneOf(["P-256"]), metadata={"description": "The curve.", "example": "P-256"}
    )
    x = fields.String(
        validate=validate.Length(max=COORDINATE_LENGTH),
        required=True,
        metadata={
            "description": "The x coordinate, base64url.",
            "example": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        },
    )
    y = fields.String(
        validate=validate.Length(max=COORDINATE_LENGTH),
        required=True,
        metadata={
            "description": "The y coordinate, base64url.",
            "example": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        },
    )
    kid = fields.String(
        validate=validate.Length(max=36),
        required=True,
        metadata={
            "description": "The id by which tokens name the key.",
            "example": "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44",
        },
    )
    use = fields.String(
        required=True,
        validate=validate.OneOf(["sig"]),
        metadata={"description": "What it is for: signatures.", "example": "sig"},
    )
    alg = fields.String(
        required=True,
        validate=validate.OneOf(["ES256"]),
        metadata={"description": "The algorithm that it is for (RFC 7518 section 3.4).", "example": "ES256"},
    )


class Jwks(Answer):
    """A JWK Set."""

    keys = fields.List(
        fields.Nested(Jwk),
        required=True,
        validate=validate.Length(1, MAX_KEYS),
        metadata={"description": "The keys that verify tokens which are valid now."},
    )
