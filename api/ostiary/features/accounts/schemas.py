"""Request and response schemas of accounts."""

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
    "description": "The id of the user. It never changes.",
    "format": "uuid",
    "example": "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44",
}


class UsernameRules(validate.Validator):
    """Refuses names that do not match the contract's pattern, or break a rule that no pattern can express."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        fault = names.fault(value)
        if fault is not None:
            raise ValidationError(fault)
        return value


class EmailCharacters(validate.Validator):
    """Refuses values that do not match the contract's pattern."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_email(value):
            raise ValidationError("Not an email address.")
        return value


def username_field(*, required: bool, example: str) -> fields.String:
    """Return the field for a new user name."""
    return Name(
        required=required,
        validate=[validate.Length(MIN_USERNAME_LENGTH, MAX_USERNAME_LENGTH), UsernameRules()],
        metadata={
            "description": (
                "3 to 64 characters, unique regardless of case. White space, control characters and invisible "
                "characters are not allowed. Other printable ASCII characters are allowed, and so are letters, "
                "marks and digits of one script, or of scripts that one language combines (RFC 8265, UTS 39 "
                "section 5.2). The pattern covers only part of these rules. Surrounding white space is removed."
            ),
            "pattern": names.PATTERN,
            "example": example,
        },
    )


def email_field() -> fields.String:
    """Return the field for a new email address; null for none."""
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
    """Return the field for a new password."""
    return fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH),
        metadata={
            "description": "8 to 1,024 characters of any kind. The password is never trimmed or altered.",
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
        metadata={"description": "The user name, in the spelling that was registered.", "example": "user1"},
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
        metadata={"description": "The email address of the user, or null.", "example": None},
    )
    disabled = fields.Boolean(
        required=True,
        metadata={"description": "Whether the user is disabled. Disabled users cannot log in.", "example": False},
    )
    created_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When the user was created, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )


class Registered(Answer):
    """The result of a registration."""

    message = fields.String(
        validate=validate.Length(max=MAX_MESSAGE),
        required=True,
        metadata={"description": "A confirmation.", "example": "User registered successfully!"},
    )
    user = fields.Nested(User, required=True)
