"""Problem types of roles."""

from ostiary.core.problems import BEARER, ProblemType
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_SCOPE_NAME, MAX_SCOPES
from ostiary.features.roles.rules import MAX_MISSING_ROLES, MAX_ROLES

UNKNOWN_ROLE = ProblemType(
    code="unknown_role",
    status=409,
    title="The role does not exist",
    detail="One of the roles does not exist.",
    remedy="Create the role first (POST /roles), or choose a role from GET /roles.",
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
    title="The role does not exist",
    detail="No role has this name.",
    remedy="Take a name from GET /roles. Names are case-sensitive.",
)
ROLE_TAKEN = ProblemType(
    code="role_taken",
    status=409,
    title="The role name is taken",
    detail="A role with this name, or with a name that looks alike, already exists.",
    remedy=(
        "Choose another name, or change the existing role (PATCH /roles/{role_name}). Names that differ "
        "only in case, or that look alike, count as the same name."
    ),
)
ROLE_IS_BUILT_IN = ProblemType(
    code="role_is_built_in",
    status=409,
    title="The role is built in",
    detail="The role admin is built in. It cannot be changed or deleted.",
    remedy="Create a role of your own (POST /roles) with the permissions that you need.",
)
BEYOND_OWN_PERMISSIONS = ProblemType(
    code="beyond_own_permissions",
    status=403,
    title="This exceeds the caller's own permissions and roles",
    detail=(
        "Callers can give, remove or change only permissions that they have. Without the permission "
        "roles:grant, they must also hold the roles concerned. API keys hold no roles."
    ),
    remedy="Ask a user who has the role admin, or the missing permissions and roles.",
    challenge=f'{BEARER}, error="insufficient_scope"',
    members={
        "missing_permissions": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_SCOPE_NAME},
            "maxItems": MAX_SCOPES,
            "description": "The permissions that the caller does not have.",
        },
        "missing_roles": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_ROLE_NAME},
            "maxItems": MAX_MISSING_ROLES,
            "description": (
                "The roles that the caller does not hold. The permission `roles:grant` replaces each of them "
                "except `admin`."
            ),
        },
    },
    example={"missing_permissions": ["roles:write"], "missing_roles": ["admin"]},
)
