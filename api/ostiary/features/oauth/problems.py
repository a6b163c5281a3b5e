"""What OAuth's operations refuse."""

from ostiary.core.problems import ProblemType

UNSUPPORTED_TOKEN_TYPE = ProblemType(
    code="unsupported_token_type",
    status=400,
    title="Tokens of this kind cannot be revoked here",
    detail="This is an API key, which its owner revokes. It stays as it is.",
    remedy="Revoke an API key with DELETE /me/api-keys/{api_key_id}; here, send an access token or a refresh token.",
)
"""RFC 7009 section 2.2.1."""
