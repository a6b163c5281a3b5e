"""Problem types of the OAuth operations."""

from ostiary.core.problems import ProblemType

UNSUPPORTED_TOKEN_TYPE = ProblemType(
    code="unsupported_token_type",
    status=400,
    title="This type of token cannot be revoked here",
    detail="This is an API key. Only its owner can revoke it. Nothing was changed.",
    remedy=(
        "Send an access token or a refresh token. To revoke an API key, its owner calls DELETE "
        "/me/api-keys/{api_key_id}."
    ),
)
"""RFC 7009 section 2.2.1."""
