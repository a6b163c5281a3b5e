"""Shapes of roles, in and out."""

from marshmallow import ValidationError, fields, validate

from ostiary.core.scopes import MAX_SCOPE_NAME, MAX_SCOPES, PERMISSIONS, SCOPES
from ostiary.features.roles.rules import MAX_DESCRIPTION_LENGTH, MAX_LISTED, MAX_NAME_LENGTH, NAME_PATTERN, is_role_name
from ostiary.web.schemas import Answer, Body

_PERMISSIONS = "\n".join(f"- `{name}`: {SCOPES[name].description}" for name in sorted(PERMISSIONS))


class RoleNameCharacters(validate.Validator):
    """Refuses what the contract's pattern refuses."""

    def __call__(self, value: str) -> str:
        """Return `value`, or raise ValidationError."""
        if not is_role_name(value):
            raise ValidationError("Has characters that the name of a role may not have, or is too long.")
        return value


def _description(*, required: bool) -> fields.String:
    return fields.String(
        required=required,
        validate=[validate.Length(0, MAX_DESCRIPTION_LENGTH), validate.ContainsNoneOf("\0")],
        metadata={
            "description": "What the role is for, in up to 500 characters without NUL.",
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
            "description": f"The scopes that the role gives to who holds it.\n\n{_PERMISSIONS}",
            "example": ["users:read"],
        },
    )


class NewRoleBody(Body):
    """A role to create."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, MAX_NAME_LENGTH), RoleNameCharacters()],
        metadata={
            "description": "1 to 64 characters, upper and lower case told apart.",
            "pattern": NAME_PATTERN,
            "example": "helpdesk",
        },
    )
    description = _description(required=True)
    permissions = _permissions(required=True)


class RoleChangesBody(Body):
    """What to change of a role; what is not given stays as it is."""

    description = _description(required=False)
    permissions = _permissions(required=False)


class Role(Answer):
    """A role."""

    name = fields.String(
        validate=validate.Length(max=MAX_NAME_LENGTH),
        required=True,
        metadata={"description": "Names the role.", "example": "helpdesk"},
    )
    description = fields.String(
        validate=validate.Length(max=MAX_DESCRIPTION_LENGTH),
        required=True,
        metadata={"description": "What the role is for.", "example": "Helps people with their accounts."},
    )
    permissions = fields.List(
        fields.String(validate=validate.Length(max=MAX_SCOPE_NAME)),
        required=True,
        validate=validate.Length(max=MAX_SCOPES),
        metadata={"description": "The scopes that it gives, in alphabetical order.", "example": ["users:read"]},
    )
    built_in = fields.Boolean(
        required=True,
        metadata={"description": "Whether it comes with Ostiary, and so cannot be changed.", "example": False},
    )
    created_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "When it was created, in UTC.", "example": "2026-11-23T12:00:00+00:00"},
    )


class RoleList(Answer):
    """Every role, by name."""

    roles = fields.List(
        fields.Nested(Role),
        required=True,
        validate=validate.Length(max=MAX_LISTED),
        metadata={"description": "The roles; of more than 10,000 the first ones."},
    )
