"""Writes on behalf of somebody: each asks in its transaction whether its actor may still act.

The guard looks before a request waits: for its body, for a password hash, for a lock. In that time the actor may be
deleted, disabled, logged out or given other roles. On both databases the order of the commits decides: a write that is
committed after such a removal has no effect.
"""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from ostiary.core.actor import Actor
from ostiary.core.principal import Principal
from ostiary.core.problems import INVALID_TOKEN
from ostiary.feature import Rechecks
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction

T = TypeVar("T")
P = ParamSpec("P")
Tx = TypeVar("Tx", bound=Transaction)


class Actors:
    """Runs every write on behalf of somebody. The work gets the principal that holds in the transaction."""

    def __init__(self, database: Database, revocations: Revocations, api_keys: Rechecks | None = None) -> None:
        self._database = database
        self._revocations = revocations
        self._api_keys = api_keys

    async def write(
        self,
        actor: Actor,
        work: Callable[Concatenate[Transaction, Principal, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `work(tx, bearer, ...)` in one transaction. Revocations are committed before it or after it.

        Raises the problem with which a new request of the actor would be answered: `invalid_token`,
        `insufficient_scope`, `insufficient_role`; and `database_unavailable`.
        """
        return await self._database.write(self._run_shared, actor, lambda tx, bearer: work(tx, bearer, *args, **kwargs))

    async def _run_shared(
        self, tx: Transaction, actor: Actor, work: Callable[[Transaction, Principal], Awaitable[T]]
    ) -> T:
        # The transactions of `write_revoking`, which may remove the actor, take the same lock exclusively.
        await tx.lock_revocations(shared=True)
        return await self._run(tx, actor, work)

    async def write_revoking(
        self,
        actor: Actor,
        work: Callable[Concatenate[RevokingTransaction, Principal, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `work(tx, bearer, ...)`, which may revoke, in a transaction of `Revocations.write`.

        There is one such transaction at a time, and no other write on behalf of somebody beside it. Raises as `write`
        does.
        """
        return await self._revocations.write(self._run, actor, lambda tx, bearer: work(tx, bearer, *args, **kwargs))

    async def _run(self, tx: Tx, actor: Actor, work: Callable[[Tx, Principal], Awaitable[T]]) -> T:
        return await work(tx, await self._confirm(tx, actor))

    async def _confirm(self, tx: Transaction, actor: Actor) -> Principal:
        seen = actor.seen
        if await self._revocations.allows_in(tx, seen):
            return seen
        if seen.api_key_id is None or self._api_keys is None:
            raise INVALID_TOKEN()
        # The key may be as good as before: an entry against its owner says only that something has changed.
        now = await self._api_keys.look_up_again(tx, seen)
        actor.check(now)
        return now
