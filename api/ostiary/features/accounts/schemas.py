"""Shapes of accounts, in and out."""

from marshmallow import ValidationError, fields, validate

from ostiary.core import names
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_ROLES
from ostiary.features.accounts.rules import (
    EMAIL_PATTERN,
    MAX_EMAIL_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_USERNAME_LENGTH,
    MIN_PASSWORD_LENGTH,
    MIN_USERNAME_LENGTH,
    is_email,
)
from ostiary.web.schemas import MAX_MESSAGE, Answer, Body, Name

ID = {
    "description": "Names the user, for ever.",
    "format": "uuid",
    "example": "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44",
}


class UsernameRules(validate.Validator):
    """Refuses what the contract's pattern refuses, and what no pattern tells."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        fault = names.fault(value)
        if fault is not None:
            raise ValidationError(fault)
        return value


class EmailCharacters(validate.Validator):
    """Refuses what the contract's pattern refuses."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_email(value):
            raise ValidationError("Not an email address.")
        return value


def username_field(*, required: bool, example: str) -> fields.String:
    """Return the field for a user name that somebody wants to have."""
    return Name(
        required=required,
        validate=[validate.Length(MIN_USERNAME_LENGTH, MAX_USERNAME_LENGTH), UsernameRules()],
        metadata={
            "description": (
                "3 to 64 characters, unique regardless of case; no white space, no control characters, nothing "
                "invisible. Letters, marks and digits of one script, or of those that one language writes together, "
                "and printable ASCII (RFC 8265, UTS 39 section 5.2); more than the pattern can say. White space "
                "around it is left out."
            ),
            "pattern": names.PATTERN,
            "example": example,
        },
    )


def email_field() -> fields.String:
    """Return the field for an address that is given to a user; null for none."""
    return fields.String(
        allow_none=True,
        validate=[validate.Length(3, MAX_EMAIL_LENGTH), EmailCharacters()],
        metadata={
            "description": "An email address, unique regardless of case; null for none.",
            "pattern": EMAIL_PATTERN,
            "example": "user2@example.org",
        },
    )


def password_field() -> fields.String:
    """Return the field for a password that somebody wants to have."""
    return fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH),
        metadata={
            "description": "8 to 1,024 characters of any kind; never trimmed or altered.",
            "format": "password",
            "example": "password123",
        },
    )


class RegisterBody(Body):
    """A new user's name and password."""

    username = username_field(required=True, example="user1")
    password = password_field()


class User(Answer):
    """A user."""

    id = fields.String(required=True, metadata=ID)
    username = fields.String(
        validate=validate.Length(max=MAX_USERNAME_LENGTH),
        required=True,
        metadata={"description": "As it was typed.", "example": "user1"},
    )
    roles = fields.List(
        fields.String(validate=validate.Length(max=MAX_ROLE_NAME)),
        validate=validate.Length(max=MAX_ROLES),
        required=True,
        metadata={"description": "The roles that the user holds, in alphabetical order.", "example": []},
    )
    email = fields.String(
        validate=validate.Length(max=MAX_EMAIL_LENGTH),
        required=True,
        allow_none=True,
        metadata={"description": "The address of the user, if there is one.", "example": None},
    )
    disabled = fields.Boolean(
        required=True, metadata={"description": "Whether the user may not log in.", "example": False}
    )
    created_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When the user registered, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )


class Registered(Answer):
    """The answer to a registration."""

    message = fields.String(
        validate=validate.Length(max=MAX_MESSAGE),
        required=True,
        metadata={"description": "Says that it is done.", "example": "User registered successfully!"},
    )
    user = fields.Nested(User, required=True)
