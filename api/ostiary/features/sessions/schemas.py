"""Shapes of sessions, in and out."""

from marshmallow import fields, validate

from ostiary.core.access_tokens import MAX_TOKEN_LENGTH
from ostiary.features.accounts.rules import MAX_PASSWORD_LENGTH, MAX_USERNAME_LENGTH, MIN_PASSWORD_LENGTH
from ostiary.features.sessions.rules import MAX_LISTED
from ostiary.web.schemas import MAX_IP, MAX_MESSAGE, MAX_USER_AGENT, Answer, Body, Name

MAX_REFRESH_TOKEN_LENGTH = 256
"""Characters; ours have 43."""

SESSION_ID = {
    "description": "Names the session.",
    "format": "uuid",
    "example": "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55",
}


class LoginBody(Body):
    """A user name and its password.

    Looser than registering on purpose: what cannot be right is answered as wrong, so that nothing is learnt from it.
    """

    username = Name(
        required=True,
        validate=validate.Length(1, MAX_USERNAME_LENGTH),
        metadata={"description": "In upper or lower case; white space around it is left out.", "example": "user1"},
    )
    password = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(1, MAX_PASSWORD_LENGTH),
        metadata={
            "description": "As it was registered; never trimmed or altered.",
            "format": "password",
            "example": "password123",
        },
    )


def _password(description: str, example: str, shortest: int = 1) -> fields.String:
    return fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(shortest, MAX_PASSWORD_LENGTH),
        metadata={"description": description, "format": "password", "example": example},
    )


class PasswordChangeBody(Body):
    """The present password and the one to have instead."""

    current_password = _password("The password that the account has now.", "password123")
    new_password = _password(
        "8 to 1,024 characters of any kind; never trimmed or altered.", "correct horse battery", MIN_PASSWORD_LENGTH
    )


class ReauthenticateBody(Body):
    """The password, once more."""

    password = _password("The password that the account has now.", "password123")


class EndSessionsQuery(Body):
    """Which of the own sessions to end."""

    which = fields.String(
        load_default="others",
        validate=validate.OneOf(["others", "all"]),
        metadata={"description": "All but the one that asks, or that one, too.", "example": "others"},
    )


class RefreshBody(Body):
    """A refresh token."""

    refresh_token = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(1, MAX_REFRESH_TOKEN_LENGTH),
        metadata={
            "description": "The newest refresh token of the session.",
            "example": "Vb0nOZ2Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGk",
        },
    )


class AccessToken(Answer):
    """An access token (the members of RFC 6749 section 5.1)."""

    access_token = fields.String(
        validate=validate.Length(max=MAX_TOKEN_LENGTH),
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
    session_id = fields.String(
        required=True,
        metadata={
            "description": "Names the session that it belongs to.",
            "format": "uuid",
            "example": "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55",
        },
    )


class TokenPair(AccessToken):
    """An access token and a refresh token (the members of RFC 6749 section 5.1)."""

    refresh_token = fields.String(
        validate=validate.Length(max=MAX_REFRESH_TOKEN_LENGTH),
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


class PendingLoginAnswer(Answer):
    """A login that needs more evidence."""

    login_token = fields.String(
        validate=validate.Length(max=MAX_REFRESH_TOKEN_LENGTH),
        required=True,
        metadata={
            "description": "Good for one answer that is right; sent with it.",
            "example": "q1Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGkVb0nO",
        },
    )
    expires_in = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "Seconds after which the login has to begin again.", "example": 600},
    )
    next = fields.String(
        required=True,
        validate=validate.Length(max=32),
        metadata={"description": "The stage that comes next.", "example": "totp"},
    )


class Session(Answer):
    """A session that has not ended: one login on one device."""

    id = fields.String(required=True, metadata=SESSION_ID)
    device = fields.String(
        validate=validate.Length(max=64),
        required=True,
        metadata={"description": "What began it, as far as the User-Agent tells.", "example": "Firefox on Linux"},
    )
    user_agent = fields.String(
        validate=validate.Length(max=MAX_USER_AGENT),
        required=True,
        metadata={
            "description": "The User-Agent of the login, cut to 256 characters.",
            "example": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        },
    )
    ip = fields.String(
        validate=validate.Length(max=MAX_IP),
        required=True,
        metadata={"description": "The network address of the login.", "example": "203.0.113.7"},
    )
    created_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When it began, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )
    last_seen_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={
            "description": "When it was last used, in UTC; up to half a minute behind.",
            "example": "2026-11-23T12:34:56+00:00",
        },
    )
    expires_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={
            "description": "When it ends, however often it is refreshed, in UTC.",
            "example": "2027-02-21T12:00:00+00:00",
        },
    )
    current = fields.Boolean(
        required=True, metadata={"description": "Whether it is the one that asks.", "example": True}
    )


class SessionList(Answer):
    """The live sessions of a user, the newest first, at most 200."""

    sessions = fields.List(
        fields.Nested(Session),
        required=True,
        validate=validate.Length(max=MAX_LISTED),
        metadata={"description": "The sessions."},
    )


class SessionsEnded(Answer):
    """How many sessions ended."""

    ended_sessions = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "How many sessions ended, with all their tokens.", "example": 2},
    )


class PasswordChanged(SessionsEnded):
    """The answer to a change of the password."""

    message = fields.String(
        validate=validate.Length(max=MAX_MESSAGE),
        required=True,
        metadata={"description": "Says that it is done.", "example": "Password changed."},
    )


class Message(Answer):
    """A sentence that says that it is done."""

    message = fields.String(
        validate=validate.Length(max=MAX_MESSAGE),
        required=True,
        metadata={"description": "Says that it is done.", "example": "Successfully logged out!"},
    )
