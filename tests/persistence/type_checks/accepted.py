"""Units of work that mypy accepts; see test_transaction."""

from ostiary.core.actor import Actor
from ostiary.core.principal import Principal
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction


class Doors:
    def __init__(self, database: Database, revocations: Revocations, actors: Actors) -> None:
        self._database = database
        self._revocations = revocations
        self._actors = actors

    async def lock(self, actor: Actor, door: str) -> int:
        locked: int = await self._revocations.write(self._lock, door)
        locked += await self._actors.write_revoking(actor, self._lock_as, door, times=2)
        locked += await self._actors.write(actor, self._knock_as, door)
        return locked + await self._database.write(self._knock, door)

    @staticmethod
    async def _knock(tx: Transaction, door: str) -> int:
        tx.after_commit(lambda: None)
        return len(door)

    async def _knock_as(self, tx: Transaction, bearer: Principal, door: str) -> int:
        return await self._knock(tx, door + bearer.user_id)

    async def _lock(self, tx: RevokingTransaction, door: str) -> int:
        await tx.revoke_session(door)
        await tx.revoke_user(door, keep_session=None)
        return await self._knock(tx, door)  # it is a transaction like every other, and more

    async def _lock_as(self, tx: RevokingTransaction, bearer: Principal, door: str, *, times: int) -> int:
        return await self._lock(tx, door + bearer.user_id) * times
