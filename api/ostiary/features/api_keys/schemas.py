"""Shapes of API keys, in and out."""

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
    "description": "Names the API key.",
    "format": "uuid",
    "example": "0199f6a2-8c21-7d43-b6f0-3e5a9c7d1e22",
}


class NameCharacters(validate.Validator):
    """Refuses what the contract's pattern refuses; `$` of Python's own matcher would let a last newline through."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_name(value):
            raise ValidationError("Has control characters, or is too short or too long.")
        return value


class NewApiKeyBody(Body):
    """What a new API key is called, what it may do, and for how long."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, MAX_NAME_LENGTH), NameCharacters()],
        metadata={
            "description": "1 to 100 characters without control characters, for its owner to know it by.",
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
                "What the key may do: some of the scopes that the account has now. Without any it only says who calls."
            ),
            "example": ["me:read"],
        },
    )
    expires_in_days = WholeNumber(
        load_default=DEFAULT_DAYS,
        validate=validate.Range(1, MAX_DAYS),
        metadata={"description": "After how many days the key ends.", "example": 30},
    )


class ApiKey(Answer):
    """An API key, without the key itself."""

    id = fields.String(required=True, metadata=API_KEY_ID)
    name = fields.String(
        validate=validate.Length(max=MAX_NAME_LENGTH),
        required=True,
        metadata={"description": "What its owner calls it.", "example": "nightly report"},
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
            "description": "What it may do, as long as its owner may, in alphabetical order.",
            "example": ["me:read"],
        },
    )
    created_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When it was made, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )
    expires_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When it ends, in UTC.", "example": "2026-12-23T12:00:00+00:00"},
    )
    last_used_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={
            "description": "When it was last used, in UTC, up to half a minute behind; null: never.",
            "example": "2026-11-23T12:34:56+00:00",
        },
    )


class ApiKeyWithSecret(ApiKey):
    """An API key that was made just now, with the key itself."""

    api_key = fields.String(
        required=True,
        validate=validate.Length(equal=LENGTH),
        metadata={
            "description": "The key, sent as `Authorization: Bearer …`. It is shown this once and cannot be got again.",
            "pattern": f"^{PATTERN}$",
            "example": "ost_Vb0nOZ2Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGk1xtF81",
        },
    )
    last_used_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={"description": "When it was last used: never.", "example": None},
    )


class ApiKeyList(Answer):
    """The API keys of a user, the newest first."""

    api_keys = fields.List(
        fields.Nested(ApiKey),
        required=True,
        validate=validate.Length(max=MAX_KEYS),
        metadata={"description": "The API keys, also those that have expired."},
    )
