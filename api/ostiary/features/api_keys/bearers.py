"""Authentication with API keys."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core import api_keys
from ostiary.core.clock import Clock
from ostiary.core.principal import Principal
from ostiary.core.problems import INVALID_TOKEN
from ostiary.core.sealing import digest
from ostiary.core.token_cache import TokenCache
from ostiary.features.accounts.service import AuthorizationSnapshot, is_enabled, snapshot_columns
from ostiary.features.api_keys.models import ApiKeyRow
from ostiary.features.revocation.service import Revocations
from ostiary.persistence.database import Database
from ostiary.persistence.last_used import LastUsedWriter
from ostiary.persistence.transaction import Transaction

REMEMBERED_KEYS = 20_000


class ApiKeyBearers:
    """Authenticates API keys. Results are cached, so that a busy client needs no database queries.

    remember: seconds, at most the longest life of an access token. The revocation feed is kept that long, so that
    whatever has happened to a key or its owner since the look-up is still in it.
    """

    def __init__(self, database: Database, revocations: Revocations, clock: Clock, *, remember: int) -> None:
        self._database = database
        self._revocations = revocations
        self._clock = clock
        self._remember = remember
        self._cache = TokenCache(clock, REMEMBERED_KEYS)
        self.last_used = LastUsedWriter(database, clock, ApiKeyRow, ApiKeyRow.id, ApiKeyRow.last_used_at)

    async def stop(self) -> None:
        """Write when keys were last used."""
        await self.last_used.stop()

    def cached_principal(self, token: str) -> Principal | None:
        """Return the principal of an API key if it is cached; else None.

        Only on the event loop, where it takes some µs. Raises the problem `invalid_token` for malformed keys.
        """
        bearer = self._known(token)
        if bearer is None or not self._revocations.allows_now(bearer):
            return None
        return self._accepted(bearer)

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of an API key; raises the problems `invalid_token` and `database_unavailable`.

        If the feed has an entry against the cached result, such as a change of the owner's roles, the key is looked up
        again.
        """
        bearer = self._known(token)
        if bearer is None or not await self._revocations.allows(bearer):
            bearer = await self._look_up(token)
        return self._accepted(bearer)

    def _known(self, token: str) -> Principal | None:
        if not api_keys.is_well_formed(token):
            raise INVALID_TOKEN()
        return self._cache.get(token)

    async def look_up_again(self, tx: Transaction, bearer: Principal) -> Principal:
        """Return the principal of `bearer`'s API key as of this transaction; raises the problem `invalid_token`."""
        found = await self._find(tx.session, ApiKeyRow.id == bearer.api_key_id)
        if found is None:
            raise INVALID_TOKEN()
        return found

    async def _look_up(self, token: str) -> Principal:
        now = self._clock.timestamp()
        async with self._database.read() as session:
            bearer = await self._find(session, ApiKeyRow.digest == digest(token))
        if bearer is None or bearer.expires_at is None:
            self._cache.forget(token)
            raise INVALID_TOKEN()
        self._cache.put(token, min(now + self._remember, bearer.expires_at.timestamp()), bearer)
        return bearer

    async def _find(self, session: AsyncSession, which: ColumnElement[bool]) -> Principal | None:
        """Return the principal of a key; None if it does not exist or has expired, or its owner is disabled."""
        query = select(
            ApiKeyRow.id,
            ApiKeyRow.user_id,
            ApiKeyRow.scopes,
            ApiKeyRow.expires_at,
            *snapshot_columns(ApiKeyRow.user_id),
        ).where(which, is_enabled(ApiKeyRow.user_id))
        # One statement, so that the owner, the roles and the feed's position are consistent.
        found = (await session.execute(query)).one_or_none()
        if found is None:
            return None
        if self._clock.timestamp() >= found.expires_at.timestamp():
            return None
        snapshot = AuthorizationSnapshot.of_row(found)
        return Principal(
            user_id=found.user_id,
            session_id=None,
            roles=frozenset(),  # a role is more than the scopes that the key was given
            scopes=frozenset(found.scopes.split()) & snapshot.grants.scopes,
            auth_time=None,
            expires_at=found.expires_at,
            position=snapshot.position,
            acr=None,
            api_key_id=found.id,
        )

    def _accepted(self, bearer: Principal) -> Principal:
        if bearer.api_key_id is not None:
            self.last_used.note(bearer.api_key_id)
        return bearer
