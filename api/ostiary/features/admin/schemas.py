"""Shapes of what administrators do with users."""

from marshmallow import fields, validate

from ostiary.features.accounts.schemas import User, email_field, password_field, username_field
from ostiary.features.roles.rules import MAX_NAME_LENGTH, MAX_ROLES
from ostiary.web.pages import MOST, PageAnswer, PageQuery
from ostiary.web.schemas import Answer, Body

SORTS = ("created_at", "-created_at", "username", "-username")


def _roles(*, required: bool) -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.Length(1, MAX_NAME_LENGTH)),
        required=required,
        validate=validate.Length(max=MAX_ROLES),
        metadata={"description": "Names of roles, as GET /roles lists them.", "example": []},
    )


class UserQuery(PageQuery):
    """Which users to list."""

    sort = fields.String(
        load_default="created_at",
        validate=validate.OneOf(SORTS),
        metadata={"description": "The order; with a minus the other way round.", "example": "created_at"},
    )
    role = fields.String(
        load_default=None,
        validate=[validate.Length(1, MAX_NAME_LENGTH), validate.Regexp(r"[!-~]*\Z")],
        metadata={
            "description": "Only those who hold this role.",
            "pattern": rf"^[!-~]{{1,{MAX_NAME_LENGTH}}}$",
        },
    )
    disabled = fields.String(
        load_default=None,
        validate=validate.OneOf(["true", "false"]),
        metadata={"description": "Only those who are disabled, or only those who are not."},
    )
    search = fields.String(
        load_default=None,
        validate=validate.Length(1, 254),
        metadata={"description": "Only those whose name or email address begins with this, in any case."},
    )


class UserPage(PageAnswer):
    """Some users, in the order that was asked for."""

    users = fields.List(
        fields.Nested(User),
        required=True,
        validate=validate.Length(max=MOST),
        metadata={"description": "The users."},
    )


class NewUserBody(Body):
    """A user to create."""

    username = username_field(required=True, example="user2")
    password = password_field()
    email = email_field()
    roles = _roles(required=False)


class UserChangesBody(Body):
    """What to change of a user; what is not given stays as it is."""

    username = username_field(required=False, example="user2")
    email = email_field()
    disabled = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata={
            "description": "true: the user may not log in, and all their sessions end. false: they may again.",
            "example": False,
        },
    )


class RolesBody(Body):
    """All roles that a user is to hold; those that are not among them are taken away."""

    roles = _roles(required=True)


class UserSessionsEnded(Answer):
    """How many sessions of a user ended."""

    ended_sessions = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "How many sessions ended, with all their tokens.", "example": 2},
    )
