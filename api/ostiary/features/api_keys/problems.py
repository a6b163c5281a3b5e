"""What can go wrong with an API key."""

from ostiary.core.problems import BEARER, ProblemType
from ostiary.core.scopes import MAX_SCOPE_NAME, MAX_SCOPES

API_KEY_NOT_FOUND = ProblemType(
    code="api_key_not_found",
    status=404,
    title="There is no such API key",
    detail="You have no API key of this id.",
    remedy="Take an id from GET /me/api-keys; keys that were revoked are not listed.",
)
TOO_MANY_API_KEYS = ProblemType(
    code="too_many_api_keys",
    status=409,
    title="There are too many API keys",
    detail="You have as many API keys as one user may have.",
    remedy="Revoke one that is no longer used (DELETE /me/api-keys/{api_key_id}); keys that have expired count, too.",
    members={
        "limit": {"type": "integer", "minimum": 1, "description": "How many API keys one user may have."},
    },
    example={"limit": 100},
)
SCOPE_NOT_HELD = ProblemType(
    code="scope_not_held",
    status=403,
    title="The account lacks a scope that the API key should have",
    detail="An API key can have no scope that its owner does not have.",
    remedy="Leave out the scopes in missing_scopes, or ask an administrator for a role that gives them.",
    challenge=f'{BEARER}, error="insufficient_scope"',
    members={
        "missing_scopes": {
            "type": "array",
            "maxItems": MAX_SCOPES,
            "items": {"type": "string", "maxLength": MAX_SCOPE_NAME},
            "minItems": 1,
            "description": "The scopes that the account does not have.",
        },
    },
    example={"missing_scopes": ["users:read"]},
)
