"""Request and response schemas of roles."""

from marshmallow import ValidationError, fields, validate

from ostiary.core.scopes import MAX_SCOPE_NAME, MAX_SCOPES, PERMISSIONS, SCOPES
from ostiary.features.roles.rules import MAX_DESCRIPTION_LENGTH, MAX_LISTED, MAX_NAME_LENGTH, NAME_PATTERN, is_role_name
from ostiary.web.schemas import Answer, Body

_PERMISSIONS = "\n".join(f"- `{name}`: {SCOPES[name].description}" for name in sorted(PERMISSIONS))


class RoleNameCharacters(validate.Validator):
    """Refuses values that do not match the contract's pattern."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_role_name(value):
            raise ValidationError("Has characters that are not allowed in the name of a role, or is too long.")
        return value


def _description(*, required: bool) -> fields.String:
    return fields.String(
        required=required,
        validate=[validate.Length(0, MAX_DESCRIPTION_LENGTH), validate.ContainsNoneOf("\0")],
        metadata={
            "description": "The purpose of the role: up to 500 characters, without NUL.",
            "pattern": "^[^\\u0000]*$",
            "example": "Helps people with their accounts.",
        },
    )


def _permissions(*, required: bool) -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.OneOf(sorted(PERMISSIONS))),
        required=required,
        validate=validate.Length(max=len(PERMISSIONS)),
        metadata={
            "description": f"The permissions that the role gives to its holders.\n\n{_PERMISSIONS}",
            "example": ["users:read"],
        },
    )


class NewRoleBody(Body):
    """A role to create."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, MAX_NAME_LENGTH), RoleNameCharacters()],
        metadata={
            "description": "The name of the role: 1 to 64 characters, case-sensitive.",
            "pattern": NAME_PATTERN,
            "example": "helpdesk",
        },
    )
    description = _description(required=True)
    permissions = _permissions(required=True)


class RoleChangesBody(Body):
    """Changes to a role. Omitted fields keep their values."""

    description = _description(required=False)
    permissions = _permissions(required=False)


class Role(Answer):
    """A role."""

    name = fields.String(
        validate=validate.Length(max=MAX_NAME_LENGTH),
        required=True,
        metadata={"description": "The name of the role.", "example": "helpdesk"},
    )
    description = fields.String(
        validate=validate.Length(max=MAX_DESCRIPTION_LENGTH),
        required=True,
        metadata={"description": "The purpose of the role.", "example": "Helps people with their accounts."},
    )
    permissions = fields.List(
        fields.String(validate=validate.Length(max=MAX_SCOPE_NAME)),
        required=True,
        validate=validate.Length(max=MAX_SCOPES),
        metadata={
            "description": "The permissions that the role gives, in alphabetical order.",
            "example": ["users:read"],
        },
    )
    built_in = fields.Boolean(
        required=True,
        metadata={"description": "Whether the role is built in. Built-in roles cannot be changed.", "example": False},
    )
    created_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When the role was created, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )


class RoleList(Answer):
    """All roles, sorted by name."""

    roles = fields.List(
        fields.Nested(Role),
        required=True,
        validate=validate.Length(max=MAX_LISTED),
        metadata={"description": "The roles, at most the first 10,000."},
    )
