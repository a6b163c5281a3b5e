"""Writes on behalf of somebody: each asks in its transaction whether its actor may still act.

The guard looks before a request waits: for its body, for a password hash, for a lock. Meanwhile the actor may be
deleted, disabled, logged out or given other roles. On both databases the order of the commits decides: a write that is
committed after such a removal has no effect.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.actor import Actor
from ostiary.core.principal import Principal
from ostiary.core.problems import INVALID_TOKEN
from ostiary.feature import Rechecks
from ostiary.features.revocation.service import Revocations
from ostiary.persistence.database import Database

T = TypeVar("T")
Work = Callable[[AsyncSession, Principal], Awaitable[T]]


class Actors:
    """Runs every write on behalf of somebody. The work gets the principal that holds in the transaction."""

    def __init__(self, database: Database, revocations: Revocations, api_keys: Rechecks | None = None) -> None:
        self._database = database
        self._revocations = revocations
        self._api_keys = api_keys

    async def write(self, actor: Actor, work: Work[T]) -> T:
        """Run `work` in one transaction, before which or after which, but not during which, others may be revoked.

        Raises what a new request of the actor would be answered: `invalid_token`, `insufficient_scope`,
        `insufficient_role`; and `database_unavailable`.
        """

        async def confirmed(session: AsyncSession) -> T:
            # The transactions of `write_revoking`, which may remove the actor, ask for the same queue alone.
            await self._database.lock_revocations(session, shared=True)
            return await work(session, await self._confirm(session, actor))

        return await self._database.write(confirmed)

    async def write_revoking(self, actor: Actor, work: Work[T]) -> T:
        """Run `work`, which may `Revocations.record`, in a transaction of `Revocations.write`; raises as `write` does.

        One such transaction at a time, and no other write on behalf of somebody beside it.
        """

        async def confirmed(session: AsyncSession) -> T:
            return await work(session, await self._confirm(session, actor))

        return await self._revocations.write(confirmed)

    async def _confirm(self, session: AsyncSession, actor: Actor) -> Principal:
        seen = actor.seen
        if await self._revocations.allows_within(session, seen):
            return seen
        if seen.api_key_id is None or self._api_keys is None:
            raise INVALID_TOKEN()
        # The key may be as good as before: an entry against its owner says only that something has changed.
        now = await self._api_keys.look_up_again(session, seen)
        actor.check(now)
        return now
