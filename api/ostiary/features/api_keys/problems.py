"""Problem types of API keys."""

from ostiary.core.problems import BEARER, ProblemType
from ostiary.core.scopes import MAX_SCOPE_NAME, MAX_SCOPES

API_KEY_NOT_FOUND = ProblemType(
    code="api_key_not_found",
    status=404,
    title="The API key does not exist",
    detail="None of your API keys has this id.",
    remedy="Take an id from GET /me/api-keys. The list does not include revoked keys.",
)
TOO_MANY_API_KEYS = ProblemType(
    code="too_many_api_keys",
    status=409,
    title="The limit of API keys is reached",
    detail="You already have the maximum number of API keys.",
    remedy="Revoke a key that you no longer use (DELETE /me/api-keys/{api_key_id}). Expired keys count, too.",
    members={
        "limit": {"type": "integer", "minimum": 1, "description": "The maximum number of API keys of one user."},
    },
    example={"limit": 100},
)
SCOPE_NOT_HELD = ProblemType(
    code="scope_not_held",
    status=403,
    title="The account does not have a requested scope",
    detail="An API key cannot have a scope that its owner does not have.",
    remedy="Omit the scopes in missing_scopes, or ask an administrator for a role that gives them.",
    challenge=f'{BEARER}, error="insufficient_scope"',
    members={
        "missing_scopes": {
            "type": "array",
            "maxItems": MAX_SCOPES,
            "items": {"type": "string", "maxLength": MAX_SCOPE_NAME},
            "minItems": 1,
            "description": "The requested scopes that the account does not have.",
        },
    },
    example={"missing_scopes": ["users:read"]},
)
