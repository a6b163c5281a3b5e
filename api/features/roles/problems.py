"""What can go wrong with a role."""

from api.core.problems import ProblemType

UNKNOWN_ROLE = ProblemType(
    code="unknown_role",
    status=422,
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
