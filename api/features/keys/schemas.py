"""Shapes of keys."""

from marshmallow import fields, validate

from api.web.schemas import Answer


class Jwk(Answer):
    """A public key of the kind EC P-256 (RFC 7517, RFC 7518 section 6.2)."""

    kty = fields.String(required=True, validate=validate.OneOf(["EC"]))
    crv = fields.String(required=True, validate=validate.OneOf(["P-256"]))
    x = fields.String(required=True, metadata={"description": "The x coordinate, base64url."})
    y = fields.String(required=True, metadata={"description": "The y coordinate, base64url."})
    kid = fields.String(required=True, metadata={"description": "The id by which tokens name the key."})
    use = fields.String(required=True, validate=validate.OneOf(["sig"]))
    alg = fields.String(required=True, validate=validate.OneOf(["ES256"]))


class Jwks(Answer):
    """A JWK Set."""

    keys = fields.List(fields.Nested(Jwk), required=True, validate=validate.Length(min=1))
