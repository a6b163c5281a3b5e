"""Writes on behalf of an actor. Each checks in its transaction whether the actor may still act.

The guard checks before the request waits for its body, a password hash or a lock. During that time the actor may be
deleted, disabled or logged out, or may get other roles. On both databases the order of the commits decides: a write
that would be committed after such a change is refused.
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
    """Runs writes on behalf of an actor. The work gets the principal as of its transaction."""

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

        Raises the problem that a new request of the actor would get: `invalid_token`, `insufficient_scope`,
        `insufficient_role`; and `database_unavailable`.
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

        Only one such transaction runs at a time, without concurrent writes on behalf of actors. Raises as `write` does.
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
        # The key may still be valid: an entry for its owner says only that something has changed.
        now = await self._api_keys.look_up_again(tx, seen)
        actor.check(now)
        return now
