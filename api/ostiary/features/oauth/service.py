"""Introspection (RFC 7662) and revocation (RFC 7009) of tokens for other services."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from ostiary.core.access_tokens import CLIENT_ID, claims_of
from ostiary.core.api_keys import is_well_formed
from ostiary.core.problems import INVALID_TOKEN, Problem
from ostiary.core.request_info import RequestInfo
from ostiary.features.accounts.service import Accounts
from ostiary.features.oauth.problems import UNSUPPORTED_TOKEN_TYPE
from ostiary.features.sessions.service import Sessions

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a value of token_type_hint (RFC 7009 section 2.1)


@dataclass(frozen=True)
class Introspection:
    """The state of a token (RFC 7662 section 2.2). None: omitted. Times are in seconds since 1970 UTC."""

    active: bool
    token_use: Literal["access_token", "refresh_token"] | None = None
    token_type: str | None = None
    scope: str | None = None
    client_id: str | None = None
    username: str | None = None
    sub: str | None = None
    sid: str | None = None
    iss: str | None = None
    aud: str | None = None
    exp: int | None = None
    iat: int | None = None
    jti: str | None = None
    auth_time: int | None = None
    roles: list[str] | None = None
    amr: list[str] | None = None
    acr: str | None = None


INACTIVE = Introspection(active=False)


class _TokenSession(NamedTuple):
    """The session that a token belongs to, and its user."""

    session_id: str
    user_id: str


class OAuth:
    """The use cases of other services. issuer: `iss` of the tokens."""

    def __init__(self, sessions: Sessions, accounts: Accounts, issuer: str) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._issuer = issuer

    async def introspect(self, token: str, hint: str = "") -> Introspection:
        """Return the state of an access or refresh token, without changing the token.

        A token that is malformed, foreign, expired, used up or revoked is inactive; the answer says nothing else. A
        refresh token is not a credential for a resource, so it is inactive too unless the hint is `refresh_token`: a
        resource server that looks at `active` alone must not take one (RFC 7662 section 4). hint: `token_type_hint`, of
        which other values are ignored. Raises the problem `database_unavailable`.
        """
        found = await self._introspect_refresh_token(token) if hint == REFRESH_TOKEN else None
        return found or await self._introspect_access_token(token) or INACTIVE

    async def revoke(self, token: str, client_id: str, info: RequestInfo, hint: str = "") -> None:
        """End the session of an access or refresh token, with all its tokens.

        A token that is worth nothing anyway changes nothing (RFC 7009 section 2.2); but one refresh token of a session
        stands for all, used up or not. client_id: the service client that asks, for the audit trail. Raises the problem
        `unsupported_token_type` for an API key (RFC 7009 section 2.2.1), which stays as it is; `database_unavailable`.
        """
        if is_well_formed(token):
            raise UNSUPPORTED_TOKEN_TYPE()
        kinds = [self._session_of_access_token, self._session_of_refresh_token]
        for session_of in reversed(kinds) if hint == REFRESH_TOKEN else kinds:
            found = await session_of(token)
            if found is not None:
                await self._sessions.revoke(found.session_id, found.user_id, info, client_id)
                return

    async def _introspect_access_token(self, token: str) -> Introspection | None:
        if await self._session_of_access_token(token) is None:
            return None
        claims = claims_of(token)
        account = await self._accounts.get(claims["sub"])
        if account is None:
            return None
        return Introspection(
            active=True,
            token_use="access_token",  # noqa: S106 - a kind of token
            token_type="Bearer",  # noqa: S106 - RFC 6750
            username=account.username,
            scope=claims.get("scope") or None,
            roles=claims.get("roles") or None,
            **{name: claims[name] for name in ("client_id", "sub", "sid", "iss", "aud", "iat", "jti", "exp")},
            **{name: claims[name] for name in ("auth_time", "amr", "acr")},
        )

    async def _introspect_refresh_token(self, token: str) -> Introspection | None:
        found = await self._sessions.look_up_refresh_token(token)
        account = await self._accounts.get(found.user_id) if found is not None and found.is_active else None
        if found is None or account is None or account.disabled:
            return None
        return Introspection(
            active=True,
            token_use="refresh_token",  # noqa: S106 - a kind of token
            client_id=CLIENT_ID,
            username=account.username,
            sub=account.id,
            sid=found.session_id,
            iss=self._issuer,
            exp=int(found.expires_at.timestamp()),
            iat=int(found.created_at.timestamp()),
        )

    async def _session_of_access_token(self, token: str) -> _TokenSession | None:
        try:
            bearer = await self._sessions.authenticate(token)
        except Problem as problem:
            if problem.kind is not INVALID_TOKEN:
                raise
            return None
        return None if bearer.session_id is None else _TokenSession(bearer.session_id, bearer.user_id)

    async def _session_of_refresh_token(self, token: str) -> _TokenSession | None:
        found = await self._sessions.look_up_refresh_token(token)
        return None if found is None else _TokenSession(found.session_id, found.user_id)
