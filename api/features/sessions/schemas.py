"""Shapes of sessions, in and out."""

from marshmallow import fields, validate

from api.features.accounts.rules import LONGEST_PASSWORD, LONGEST_USERNAME
from api.web.schemas import Answer, Body


class LoginBody(Body):
    """A user name and its password.

    Looser than registering on purpose: what cannot be right is answered as wrong, so that nothing is learnt from it.
    """

    username = fields.String(
        required=True,
        validate=validate.Length(1, LONGEST_USERNAME),
        metadata={"description": "In upper or lower case.", "example": "user1"},
    )
    password = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(1, LONGEST_PASSWORD),
        metadata={
            "description": "As it was registered; never trimmed or altered.",
            "format": "password",
            "example": "password123",
        },
    )


class RefreshBody(Body):
    """A refresh token."""

    refresh_token = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(1, 256),
        metadata={
            "description": "The newest refresh token of the session.",
            "example": "Vb0nOZ2Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGk",
        },
    )


class TokenPair(Answer):
    """An access token and a refresh token (the members of RFC 6749 section 5.1)."""

    access_token = fields.String(
        required=True,
        metadata={
            "description": "A JWT (RFC 9068), sent as `Authorization: Bearer …`.",
            "example": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
        },
    )
    token_type = fields.String(
        required=True,
        validate=validate.OneOf(["Bearer"]),
        metadata={"description": "How it is sent (RFC 6750).", "example": "Bearer"},
    )
    expires_in = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "The access token's lifetime in seconds.", "example": 900},
    )
    refresh_token = fields.String(
        required=True,
        metadata={
            "description": "Good for one `POST /refresh`.",
            "example": "Vb0nOZ2Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGk",
        },
    )
    refresh_token_expires_in = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "Seconds after which an unused refresh token ends.", "example": 1209600},
    )
    session_id = fields.String(
        required=True,
        metadata={
            "description": "Names the session that both tokens belong to.",
            "format": "uuid",
            "example": "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55",
        },
    )


class Message(Answer):
    """A sentence that says that it is done."""

    message = fields.String(
        required=True, metadata={"description": "Says that it is done.", "example": "Successfully logged out!"}
    )
