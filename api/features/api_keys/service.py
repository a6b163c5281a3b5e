"""API keys: what a person does about their own."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.core import api_keys
from api.core.client import Client
from api.core.clock import Clock
from api.core.principal import Principal
from api.core.problems import INVALID_TOKEN
from api.core.randomness import Randomness
from api.core.sealing import digest
from api.features.accounts.service import is_enabled, standing_of
from api.features.api_keys.bearers import ApiKeyBearers
from api.features.api_keys.events import API_KEY_CREATED, API_KEY_REVOKED
from api.features.api_keys.models import ApiKeyRow
from api.features.api_keys.problems import API_KEY_NOT_FOUND, SCOPE_NOT_HELD, TOO_MANY_API_KEYS
from api.features.api_keys.rules import MOST_KEYS, is_id
from api.features.audit.service import Audit
from api.features.revocation.service import Revocations
from api.features.roles.service import Grants
from api.persistence.database import Database, lacks_parent


@dataclass(frozen=True)
class ApiKey:
    """An API key as its owner sees it. `last_used_at` may lag behind by half a minute."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class NewApiKey(ApiKey):
    """An API key that was made just now, and the key itself, which nobody sees again."""

    api_key: str = field(repr=False)


class ApiKeys:
    """The use cases that concern the API keys of one user."""

    def __init__(
        self,
        database: Database,
        bearers: ApiKeyBearers,
        revocations: Revocations,
        audit: Audit,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._database = database
        self._bearers = bearers
        self._revocations = revocations
        self._audit = audit
        self._clock = clock
        self._randomness = randomness

    async def keys_of(self, user_id: str) -> list[ApiKey]:
        """Return the API keys of a user, the newest first, also those that have expired.

        Raises the problem `database_unavailable`.
        """
        await self._bearers.last_used.write()
        query = select(ApiKeyRow).where(ApiKeyRow.user_id == user_id).order_by(ApiKeyRow.id.desc())
        async with self._database.read() as session:
            return [ApiKey(**_members(row)) for row in await session.scalars(query)]

    async def create(
        self, owner: Principal, name: str, scopes: Collection[str], days: int, client: Client
    ) -> NewApiKey:
        """Make an API key that ends after `days`. Its name is one by `rules.is_name`.

        Raises the problems `scope_not_held`, `too_many_api_keys`, `invalid_token` (the user is gone or disabled),
        `database_unavailable`.
        """
        key = api_keys.new(self._randomness)
        now = self._clock.now()
        row = ApiKeyRow(
            id=self._randomness.new_id(),
            user_id=owner.user_id,
            name=name,
            digest=digest(key),
            hint=key[: api_keys.HINT_LENGTH],
            scopes=" ".join(sorted(set(scopes))),
            created_at=now,
            expires_at=now + timedelta(days=days),
            last_used_at=None,
        )
        created = NewApiKey(**_members(row), api_key=key)

        async def add(session: AsyncSession) -> None:
            await self._database.in_order(session, "first")  # two at once do not both become the last one allowed
            await _check_owner(session, owner.user_id, scopes)
            counted = select(func.count()).where(ApiKeyRow.user_id == owner.user_id)
            if (await session.scalar(counted) or 0) >= MOST_KEYS:
                raise TOO_MANY_API_KEYS(limit=MOST_KEYS)
            values = {column.name: getattr(row, column.name) for column in ApiKeyRow.__table__.columns}
            await session.execute(insert(ApiKeyRow).values(values))
            self._audit.record(
                session,
                API_KEY_CREATED,
                client,
                user_id=owner.user_id,
                api_key_id=created.id,
                name=name,
                scopes=created.scopes,
            )

        try:
            await self._database.write(add)
        except IntegrityError as error:
            if not lacks_parent(error):
                raise
            raise INVALID_TOKEN() from error
        return created

    async def revoke(self, owner: Principal, api_key_id: str, client: Client) -> None:
        """Revoke an API key of the bearer's user; when this returns, no worker accepts it any more.

        Raises the problems `api_key_not_found`, `database_unavailable`.
        """
        if not is_id(api_key_id):
            raise API_KEY_NOT_FOUND()
        statement = (
            delete(ApiKeyRow)
            .where(ApiKeyRow.id == api_key_id, ApiKeyRow.user_id == owner.user_id)
            .returning(ApiKeyRow.name)
        )

        async def remove(session: AsyncSession) -> bool:
            name = await session.scalar(statement)
            if name is None:
                return False
            await self._revocations.record(session, "api_key", api_key_id)
            self._audit.record(
                session, API_KEY_REVOKED, client, user_id=owner.user_id, api_key_id=api_key_id, name=name
            )
            return True

        if not await self._revocations.write(remove):
            raise API_KEY_NOT_FOUND()


async def _check_owner(session: AsyncSession, user_id: str, scopes: Collection[str]) -> None:
    """Raise `invalid_token` unless the user is there and enabled, `scope_not_held` unless they have all `scopes`."""
    enabled, roles, permissions, _ = (await session.execute(select(is_enabled(user_id), *standing_of(user_id)))).one()
    if not enabled:
        raise INVALID_TOKEN()
    if missing := sorted(set(scopes) - Grants.of(roles, permissions).scopes):
        raise SCOPE_NOT_HELD(missing_scopes=missing)


def _members(row: ApiKeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "scopes": row.scopes.split(),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
    }
