"""Query parameters of forward authentication."""

from marshmallow import fields, validate

from ostiary.core.scopes import SCOPES
from ostiary.features.roles.rules import MAX_NAME_LENGTH
from ostiary.web.schemas import Body

MAX_LENGTH = 256
"""Maximum length of a list of scopes or roles."""

_SCOPE = "|".join(sorted(SCOPES))
_SCOPE_LIST = rf"(?:{_SCOPE})(?: (?:{_SCOPE}))*"
_ROLE = rf"[!-~]{{1,{MAX_NAME_LENGTH}}}"
_ROLE_LIST = rf"{_ROLE}(?: {_ROLE})*"


class AuthorizeQuery(Body):
    """Requirements on the caller."""

    scope = fields.String(
        validate=[validate.Length(1, MAX_LENGTH), validate.Regexp(rf"{_SCOPE_LIST}\Z", error="Not a list of scopes.")],
        metadata={
            "description": "The scopes that the caller must have, separated by spaces. All of them are required.",
            "pattern": f"^{_SCOPE_LIST}$",
            "example": "me:read",
        },
    )
    role = fields.String(
        validate=[validate.Length(1, MAX_LENGTH), validate.Regexp(rf"{_ROLE_LIST}\Z", error="Not a list of roles.")],
        metadata={
            "description": (
                "The roles that the caller must have, separated by spaces. All of them are required. API keys "
                "have no roles."
            ),
            "pattern": f"^{_ROLE_LIST}$",
        },
    )
