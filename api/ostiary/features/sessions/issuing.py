"""The only place that issues tokens: for a new session, a refresh and a reauthentication."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert

from ostiary.core.access_tokens import AccessTokens, Issued
from ostiary.core.clock import Clock
from ostiary.core.principal import Principal
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import RequestInfo
from ostiary.features.accounts.service import AuthorizationSnapshot
from ostiary.features.keys.service import Keys
from ostiary.features.sessions.events import LOGGED_IN
from ostiary.features.sessions.models import SessionRow
from ostiary.features.sessions.rotation import Rotation, Successor
from ostiary.features.sessions.rules import assurance
from ostiary.persistence.base import table_of
from ostiary.persistence.transaction import Transaction

# Created once: building a statement costs SQLAlchemy more than running it.
_ADD = insert(table_of(SessionRow))


@dataclass(frozen=True)
class TokenPair:
    """An access token and a refresh token, with their lifetimes in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_token_expires_in: int
    session_id: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750


@dataclass(frozen=True)
class AccessToken:
    """An access token alone, with its lifetime in seconds."""

    access_token: str
    expires_in: int
    session_id: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750


class TokenIssuer:
    """Begins sessions and issues their tokens. lifetime: seconds after its login at which a session ends.

    The login data in a token (`amr`, `acr`, `auth_time`) comes from its session.
    """

    def __init__(
        self,
        keys: Keys,
        access_tokens: AccessTokens,
        rotation: Rotation,
        clock: Clock,
        randomness: Randomness,
        *,
        lifetime: int,
    ) -> None:
        self._keys = keys
        self._access_tokens = access_tokens
        self._rotation = rotation
        self._clock = clock
        self._randomness = randomness
        self._lifetime = lifetime

    async def begin(
        self,
        tx: Transaction,
        user_id: str,
        methods: tuple[str, ...],
        snapshot: AuthorizationSnapshot,
        info: RequestInfo,
    ) -> Successor:
        """Begin a session and return its first refresh token. methods: the authentication methods of the login."""
        now = self._clock.now()
        reached = assurance(methods)
        values = {
            "id": self._randomness.new_id(),
            "user_id": user_id,
            "created_at": now,
            "auth_time": now,
            "amr": " ".join(reached.amr),
            "acr": reached.acr,
            "expires_at": now + timedelta(seconds=self._lifetime),
            "ip": info.ip,
            "user_agent": info.user_agent,
        }
        await tx.session.execute(_ADD, values)
        first = await self._rotation.issue(tx, SessionRow(**values), snapshot, now)
        tx.record(LOGGED_IN, info, user_id=user_id, session_id=first.session.id)
        return first

    async def pair(self, successor: Successor) -> TokenPair:
        """Return a refresh token with an access token of its session, once the transaction is committed."""
        issued = await self._issue(successor.session, successor.snapshot)
        return TokenPair(
            access_token=issued.token,
            expires_in=issued.expires_in,
            refresh_token=successor.refresh_token,
            refresh_token_expires_in=max(0, int((successor.expires_at - self._clock.now()).total_seconds())),
            session_id=successor.session.id,
        )

    async def access_token(self, owner: SessionRow, snapshot: AuthorizationSnapshot) -> AccessToken:
        """Return an access token of a session, alone."""
        issued = await self._issue(owner, snapshot)
        return AccessToken(issued.token, issued.expires_in, owner.id)

    async def _issue(self, owner: SessionRow, snapshot: AuthorizationSnapshot) -> Issued:
        bearer = Principal(
            user_id=owner.user_id,
            session_id=owner.id,
            roles=frozenset(snapshot.grants.roles),
            scopes=snapshot.grants.scopes,
            auth_time=owner.auth_time,
            expires_at=owner.expires_at,
            position=snapshot.position,
            acr=owner.acr,
        )
        return self._access_tokens.issue(
            await self._keys.current(), bearer, self._randomness.new_id(), owner.amr.split()
        )
