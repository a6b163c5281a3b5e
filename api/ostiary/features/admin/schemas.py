"""Request and response schemas of user administration."""

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
        metadata={"description": "Names of roles, as listed by GET /roles.", "example": []},
    )


class UserQuery(PageQuery):
    """Which users to list."""

    sort = fields.String(
        load_default="created_at",
        validate=validate.OneOf(SORTS),
        metadata={"description": "The sort order. A leading minus reverses it.", "example": "created_at"},
    )
    role = fields.String(
        load_default=None,
        validate=[validate.Length(1, MAX_NAME_LENGTH), validate.Regexp(r"[!-~]*\Z")],
        metadata={
            "description": "Only users with this role.",
            "pattern": rf"^[!-~]{{1,{MAX_NAME_LENGTH}}}$",
        },
    )
    disabled = fields.String(
        load_default=None,
        validate=validate.OneOf(["true", "false"]),
        metadata={"description": "`true`: only disabled users. `false`: only enabled users."},
    )
    search = fields.String(
        load_default=None,
        validate=validate.Length(1, 254),
        metadata={"description": "Only users whose name or email address begins with this text, regardless of case."},
    )


class UserPage(PageAnswer):
    """A page of users, in the requested order."""

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
    """Changes to a user. Omitted fields keep their values."""

    username = username_field(required=False, example="user2")
    email = email_field()
    disabled = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata={
            "description": "`true` ends all sessions of the user and prevents logins. `false` allows logins again.",
            "example": False,
        },
    )


class RolesBody(Body):
    """All roles of a user. Roles that are not listed are removed."""

    roles = _roles(required=True)


class UserSessionsEnded(Answer):
    """The number of sessions of a user that ended."""

    ended_sessions = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "The number of sessions that ended.", "example": 2},
    )
