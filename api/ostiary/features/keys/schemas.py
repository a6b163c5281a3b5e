"""Response schemas of keys."""

from marshmallow import fields, validate

from ostiary.web.schemas import Answer

COORDINATE_LENGTH = 43
"""The length of 32 bytes in base64url (RFC 7518 section 6.2.1.2)."""
MAX_KEYS = 100
"""Maximum number of published keys. Rotations are minutes apart, and keys go after the lifetime of a token."""


class Jwk(Answer):
    """An EC P-256 public key (RFC 7517, RFC 7518 section 6.2)."""

    kty = fields.String(
        required=True,
        validate=validate.OneOf(["EC"]),
        metadata={"description": "The key type: elliptic curve.", "example": "EC"},
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
            "description": "The id of the key, which tokens have in their header.",
            "example": "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44",
        },
    )
    use = fields.String(
        required=True,
        validate=validate.OneOf(["sig"]),
        metadata={"description": "The use of the key: signatures.", "example": "sig"},
    )
    alg = fields.String(
        required=True,
        validate=validate.OneOf(["ES256"]),
        metadata={"description": "The algorithm of the key (RFC 7518 section 3.4).", "example": "ES256"},
    )


class Jwks(Answer):
    """A JWK Set."""

    keys = fields.List(
        fields.Nested(Jwk),
        required=True,
        validate=validate.Length(1, MAX_KEYS),
        metadata={"description": "The keys of all tokens that are valid now."},
    )
