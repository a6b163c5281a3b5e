"""Request and response schemas of sessions."""

from marshmallow import fields, validate

from ostiary.core.access_tokens import MAX_TOKEN_LENGTH
from ostiary.features.accounts.rules import MAX_PASSWORD_LENGTH, MAX_USERNAME_LENGTH, MIN_PASSWORD_LENGTH
from ostiary.features.sessions.rules import MAX_LISTED
from ostiary.web.schemas import MAX_IP, MAX_MESSAGE, MAX_USER_AGENT, Answer, Body, Name

MAX_REFRESH_TOKEN_LENGTH = 256
"""Maximum length of a refresh token; Ostiary's have 43 characters."""

SESSION_ID = {
    "description": "The id of the session.",
    "format": "uuid",
    "example": "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55",
}


class LoginBody(Body):
    """A user name and its password.

    The rules are looser than those of a registration, on purpose. Impossible values get the same answer as wrong ones,
    so they reveal nothing.
    """

    username = Name(
        required=True,
        validate=validate.Length(1, MAX_USERNAME_LENGTH),
        metadata={
            "description": "The user name, in upper or lower case. Surrounding white space is removed.",
            "example": "user1",
        },
    )
    password = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(1, MAX_PASSWORD_LENGTH),
        metadata={
            "description": "The password. It is never trimmed or altered.",
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
    """The current password and the new one."""

    current_password = _password("The current password of the account.", "password123")
    new_password = _password(
        "8 to 1,024 characters of any kind. The password is never trimmed or altered.",
        "correct horse battery",
        MIN_PASSWORD_LENGTH,
    )


class ReauthenticateBody(Body):
    """The password of the user, to authenticate again."""

    password = _password("The current password of the account.", "password123")


class EndSessionsQuery(Body):
    """Which of your sessions to end."""

    which = fields.String(
        load_default="others",
        validate=validate.OneOf(["others", "all"]),
        metadata={"description": "`others` keeps the current session. `all` ends it, too.", "example": "others"},
    )


class RefreshBody(Body):
    """A refresh token."""

    refresh_token = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(1, MAX_REFRESH_TOKEN_LENGTH),
        metadata={
            "description": "The latest refresh token of the session.",
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
        metadata={"description": "The type of the token (RFC 6750).", "example": "Bearer"},
    )
    expires_in = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "The lifetime of the access token, in seconds.", "example": 900},
    )
    session_id = fields.String(
        required=True,
        metadata={
            "description": "The id of the session that the token belongs to.",
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
            "description": "A token for one call of `POST /refresh`.",
            "example": "Vb0nOZ2Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGk",
        },
    )
    refresh_token_expires_in = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={
            "description": "The number of seconds until the refresh token expires if it is not used.",
            "example": 1209600,
        },
    )


class PendingLoginAnswer(Answer):
    """A login that needs another stage."""

    login_token = fields.String(
        validate=validate.Length(max=MAX_REFRESH_TOKEN_LENGTH),
        required=True,
        metadata={
            "description": "A token to send with the next stage. It is valid until the first correct answer.",
            "example": "q1Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGkVb0nO",
        },
    )
    expires_in = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "The number of seconds until the login expires.", "example": 600},
    )
    next = fields.String(
        required=True,
        validate=validate.Length(max=32),
        metadata={"description": "The name of the next stage.", "example": "totp"},
    )


class Session(Answer):
    """An active session: one login on one device."""

    id = fields.String(required=True, metadata=SESSION_ID)
    device = fields.String(
        validate=validate.Length(max=64),
        required=True,
        metadata={
            "description": "The device of the login, derived from the User-Agent.",
            "example": "Firefox on Linux",
        },
    )
    user_agent = fields.String(
        validate=validate.Length(max=MAX_USER_AGENT),
        required=True,
        metadata={
            "description": "The User-Agent of the login, truncated to 256 characters.",
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
        metadata={"description": "When the session began, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )
    last_seen_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={
            "description": "When the session was last used, in UTC. The value can lag by 30 seconds.",
            "example": "2026-11-23T12:34:56+00:00",
        },
    )
    expires_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={
            "description": "When the session expires, in UTC. A refresh does not extend it.",
            "example": "2027-02-21T12:00:00+00:00",
        },
    )
    current = fields.Boolean(
        required=True, metadata={"description": "Whether this is the session of the request.", "example": True}
    )


class SessionList(Answer):
    """The active sessions of a user, newest first, at most 200."""

    sessions = fields.List(
        fields.Nested(Session),
        required=True,
        validate=validate.Length(max=MAX_LISTED),
        metadata={"description": "The sessions."},
    )


class SessionsEnded(Answer):
    """The number of sessions that ended."""

    ended_sessions = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "The number of sessions that ended.", "example": 2},
    )


class PasswordChanged(SessionsEnded):
    """The result of a password change."""

    message = fields.String(
        validate=validate.Length(max=MAX_MESSAGE),
        required=True,
        metadata={"description": "A confirmation.", "example": "Password changed."},
    )


class Message(Answer):
    """A confirmation."""

    message = fields.String(
        validate=validate.Length(max=MAX_MESSAGE),
        required=True,
        metadata={"description": "A confirmation.", "example": "Successfully logged out!"},
    )
