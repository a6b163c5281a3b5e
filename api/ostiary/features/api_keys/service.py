"""API keys: users manage their own keys."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select

from ostiary.core import api_keys
from ostiary.core.actor import Actor
from ostiary.core.clock import Clock
from ostiary.core.ids import is_id
from ostiary.core.principal import Principal
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import RequestInfo
from ostiary.core.sealing import digest
from ostiary.features.accounts.service import snapshot_columns
from ostiary.features.actors.service import Actors
from ostiary.features.api_keys.bearers import ApiKeyBearers
from ostiary.features.api_keys.events import API_KEY_CREATED, API_KEY_REVOKED
from ostiary.features.api_keys.models import ApiKeyRow
from ostiary.features.api_keys.problems import API_KEY_NOT_FOUND, SCOPE_NOT_HELD, TOO_MANY_API_KEYS
from ostiary.features.api_keys.rules import MAX_KEYS
from ostiary.features.revocation.service import RevokingTransaction
from ostiary.features.roles.service import Grants
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction


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
class ApiKeyWithSecret(ApiKey):
    """A new API key, with the key itself, which is shown only once."""

    api_key: str = field(repr=False)


class ApiKeys:
    """The use cases that concern the API keys of one user."""

    def __init__(
        self,
        database: Database,
        actors: Actors,
        bearers: ApiKeyBearers,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._database = database
        self._actors = actors
        self._bearers = bearers
        self._clock = clock
        self._randomness = randomness

    async def keys_of(self, user_id: str) -> list[ApiKey]:
        """Return the API keys of a user, newest first, including expired ones.

        Raises the problem `database_unavailable`.
        """
        await self._bearers.last_used.write()
        query = select(ApiKeyRow).where(ApiKeyRow.user_id == user_id).order_by(ApiKeyRow.id.desc())
        async with self._database.read() as session:
            return [ApiKey(**_members(row)) for row in await session.scalars(query)]

    async def create(
        self, actor: Actor, name: str, scopes: Collection[str], days: int, info: RequestInfo
    ) -> ApiKeyWithSecret:
        """Create an API key that ends after `days`. Its name is one by `rules.is_name`.

        Raises the problems `scope_not_held`, `too_many_api_keys`, `invalid_token`, `database_unavailable`.
        """
        key = api_keys.new(self._randomness)
        now = self._clock.now()
        row = ApiKeyRow(
            id=self._randomness.new_id(),
            user_id=actor.seen.user_id,
            name=name,
            digest=digest(key),
            hint=key[: api_keys.HINT_LENGTH],
            scopes=" ".join(sorted(set(scopes))),
            created_at=now,
            expires_at=now + timedelta(days=days),
            last_used_at=None,
        )
        # One at a time, so that concurrent requests cannot exceed the limit.
        await self._actors.write_revoking(actor, self._add, row, info)
        return ApiKeyWithSecret(**_members(row), api_key=key)

    @staticmethod
    async def _add(tx: RevokingTransaction, owner: Principal, row: ApiKeyRow, info: RequestInfo) -> None:
        scopes = row.scopes.split()
        await _check_scopes(tx, owner.user_id, scopes)
        counted = select(func.count()).where(ApiKeyRow.user_id == owner.user_id)
        if (await tx.session.scalar(counted) or 0) >= MAX_KEYS:
            raise TOO_MANY_API_KEYS(limit=MAX_KEYS)
        values = {column.name: getattr(row, column.name) for column in ApiKeyRow.__table__.columns}
        await tx.session.execute(insert(ApiKeyRow).values(values))
        tx.record(API_KEY_CREATED, info, user_id=owner.user_id, api_key_id=row.id, name=row.name, scopes=scopes)

    async def revoke(self, actor: Actor, api_key_id: str, info: RequestInfo) -> None:
        """Revoke an API key of the actor; when this returns, no worker accepts it any more.

        Raises the problems `api_key_not_found`, `invalid_token`, `insufficient_scope`, `database_unavailable`.
        """
        if not is_id(api_key_id):
            raise API_KEY_NOT_FOUND()
        await self._actors.write_revoking(actor, self._revoke, api_key_id, info)

    @staticmethod
    async def _revoke(tx: RevokingTransaction, owner: Principal, api_key_id: str, info: RequestInfo) -> None:
        statement = (
            delete(ApiKeyRow)
            .where(ApiKeyRow.id == api_key_id, ApiKeyRow.user_id == owner.user_id)
            .returning(ApiKeyRow.name)
        )
        name = await tx.session.scalar(statement)
        if name is None:
            raise API_KEY_NOT_FOUND()
        await tx.revoke_api_key(api_key_id)
        tx.record(API_KEY_REVOKED, info, user_id=owner.user_id, api_key_id=api_key_id, name=name)


async def _check_scopes(tx: Transaction, user_id: str, scopes: Collection[str]) -> None:
    """Raise `scope_not_held` unless the user has all `scopes`."""
    grants = Grants.of_row((await tx.session.execute(select(*snapshot_columns(user_id)))).one())
    if missing := sorted(set(scopes) - grants.scopes):
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
