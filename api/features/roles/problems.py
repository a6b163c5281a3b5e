"""What can go wrong with a role."""

from api.core.problems import BEARER, ProblemType

UNKNOWN_ROLE = ProblemType(
    code="unknown_role",
    status=409,
    title="There is no such role",
    detail="One of the roles does not exist.",
    remedy="Create the role first (POST /roles), or choose one of those that GET /roles lists.",
    members={
        "unknown_roles": {
            "type": "array",
            "items": {"type": "string"},
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
    detail="There is a role of this name already.",
    remedy="Choose another name, or change the role that there is (PATCH /roles/{role_name}).",
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
    title="This reaches beyond the caller's own permissions",
    detail="Nobody gives, takes or changes what has more permissions than they have themselves.",
    remedy="Ask somebody who has the role admin, or the missing permissions, to do it.",
    challenge=f'{BEARER}, error="insufficient_scope"',
    members={
        "missing_permissions": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The permissions that the caller lacks.",
        },
        "missing_roles": {
            "type": "array",
            "items": {"type": "string"},
            "description": "`admin`, if the role itself is needed.",
        },
    },
    example={"missing_permissions": ["roles:write"], "missing_roles": ["admin"]},
)
