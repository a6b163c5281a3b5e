"""What can go wrong with a role."""

from ostiary.core.problems import BEARER, ProblemType
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_SCOPE_NAME, MAX_SCOPES
from ostiary.features.roles.rules import MAX_MISSING_ROLES, MAX_ROLES

UNKNOWN_ROLE = ProblemType(
    code="unknown_role",
    status=409,
    title="There is no such role",
    detail="One of the roles does not exist.",
    remedy="Create the role first (POST /roles), or choose one of those that GET /roles lists.",
    members={
        "unknown_roles": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_ROLE_NAME},
            "maxItems": MAX_ROLES,
            "description": "The roles that do not exist.",
        }
    },
    example={"unknown_roles": ["auditor"]},
)
ROLE_NOT_FOUND = ProblemType(
    code="role_not_found",
    status=404,
    title="There is no such role",
    detail="There is no role of this name.",
    remedy="Take a name from GET /roles; upper and lower case are told apart.",
)
ROLE_TAKEN = ProblemType(
    code="role_taken",
    status=409,
    title="There is such a role already",
    detail="There is a role of this name already, or of one that looks the same.",
    remedy=(
        "Choose another name, or change the role that there is (PATCH /roles/{role_name}); names that differ only in "
        "case, or look the same, are the same name."
    ),
)
ROLE_IS_BUILT_IN = ProblemType(
    code="role_is_built_in",
    status=409,
    title="The role is built in",
    detail="The role admin comes with Ostiary: it cannot be changed or deleted.",
    remedy="Make a role of your own (POST /roles) with the permissions that you want it to give.",
)
BEYOND_OWN_PERMISSIONS = ProblemType(
    code="beyond_own_permissions",
    status=403,
    title="This reaches beyond the caller's own permissions and roles",
    detail=(
        "Nobody gives, takes or changes what has more permissions than they have themselves, nor a role that they do "
        "not hold, unless they have the permission roles:grant. API keys hold no roles."
    ),
    remedy="Ask somebody who has the role admin, or the missing permissions and roles, to do it.",
    challenge=f'{BEARER}, error="insufficient_scope"',
    members={
        "missing_permissions": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_SCOPE_NAME},
            "maxItems": MAX_SCOPES,
            "description": "The permissions that the caller lacks.",
        },
        "missing_roles": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_ROLE_NAME},
            "maxItems": MAX_MISSING_ROLES,
            "description": "The roles that the caller would have to hold; but for `admin`, `roles:grant` is as good.",
        },
    },
    example={"missing_permissions": ["roles:write"], "missing_roles": ["admin"]},
)
