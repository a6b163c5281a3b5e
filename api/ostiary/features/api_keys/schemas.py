"""Request and response schemas of API keys."""

from marshmallow import ValidationError, fields, validate

from ostiary.core.api_keys import HINT_LENGTH, LENGTH, PATTERN
from ostiary.core.scopes import MAX_SCOPE_NAME, MAX_SCOPES, SCOPES
from ostiary.features.api_keys.rules import (
    DEFAULT_DAYS,
    MAX_DAYS,
    MAX_KEYS,
    MAX_NAME_LENGTH,
    NAME_PATTERN,
    is_name,
)
from ostiary.web.schemas import Answer, Body, WholeNumber

API_KEY_ID = {
    "description": "The id of the API key.",
    "format": "uuid",
    "example": "0199f6a2-8c21-7d43-b6f0-3e5a9c7d1e22",
}


class NameCharacters(validate.Validator):
    """Refuses values that do not match the contract's pattern; Python's `$` would accept a trailing newline."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_name(value):
            raise ValidationError("Has control characters, or is too short or too long.")
        return value


class NewApiKeyBody(Body):
    """The name, scopes and lifetime of a new API key."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, MAX_NAME_LENGTH), NameCharacters()],
        metadata={
            "description": "A name that helps you recognise the key: 1 to 100 characters, without control characters.",
            "pattern": NAME_PATTERN,
            "example": "nightly report",
        },
    )
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(max=MAX_SCOPES),
        metadata={
            "description": (
                "The scopes of the key. The account must have each of them. A key without scopes only identifies "
                "the user."
            ),
            "example": ["me:read"],
        },
    )
    expires_in_days = WholeNumber(
        load_default=DEFAULT_DAYS,
        validate=validate.Range(1, MAX_DAYS),
        metadata={"description": "The number of days until the key expires.", "example": 30},
    )


class ApiKey(Answer):
    """An API key, without the key itself."""

    id = fields.String(required=True, metadata=API_KEY_ID)
    name = fields.String(
        validate=validate.Length(max=MAX_NAME_LENGTH),
        required=True,
        metadata={"description": "The name of the key.", "example": "nightly report"},
    )
    hint = fields.String(
        validate=validate.Length(max=HINT_LENGTH),
        required=True,
        metadata={"description": "The first characters of the key.", "example": "ost_Vb0n"},
    )
    scopes = fields.List(
        fields.String(validate=validate.Length(max=MAX_SCOPE_NAME)),
        required=True,
        validate=validate.Length(max=MAX_SCOPES),
        metadata={
            "description": (
                "The scopes of the key, in alphabetical order. A scope has no effect while the owner does not have it."
            ),
            "example": ["me:read"],
        },
    )
    created_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When the key was created, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )
    expires_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When the key expires, in UTC.", "example": "2026-12-23T12:00:00+00:00"},
    )
    last_used_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={
            "description": "When the key was last used, in UTC; null if never. The value can lag by 30 seconds.",
            "example": "2026-11-23T12:34:56+00:00",
        },
    )


class ApiKeyWithSecret(ApiKey):
    """A new API key, including the key itself."""

    api_key = fields.String(
        required=True,
        validate=validate.Length(equal=LENGTH),
        metadata={
            "description": "The key, to be sent as `Authorization: Bearer …`. It is returned only once.",
            "pattern": f"^{PATTERN}$",
            "example": "ost_Vb0nOZ2Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGk1xtF81",
        },
    )
    last_used_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={"description": "Always null for a new key.", "example": None},
    )


class ApiKeyList(Answer):
    """The API keys of a user, newest first."""

    api_keys = fields.List(
        fields.Nested(ApiKey),
        required=True,
        validate=validate.Length(max=MAX_KEYS),
        metadata={"description": "The API keys, including expired ones."},
    )
