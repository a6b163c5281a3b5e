"""Changes of a user's own account."""

from ostiary.core.actor import Actor
from ostiary.core.etags import Condition
from ostiary.core.principal import Principal
from ostiary.core.problems import INVALID_TOKEN
from ostiary.core.request_info import RequestInfo
from ostiary.features.accounts.events import USER_UPDATED
from ostiary.features.accounts.service import Account, Accounts
from ostiary.features.accounts.store import LockedUser, change, lock_user
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import RevokingTransaction
from ostiary.persistence.transaction import Transaction


class Profile:
    """The use cases of a user's own account."""

    def __init__(self, actors: Actors, accounts: Accounts) -> None:
        self._actors = actors
        self._accounts = accounts

    async def update(self, actor: Actor, condition: Condition, username: str | None, info: RequestInfo) -> Account:
        """Change the given values of the user and return the account.

        Raises the problems `precondition_failed`, `username_taken`, `invalid_token`, `database_unavailable`.
        """
        return await self._actors.write(actor, self._update, condition, username, info)

    @staticmethod
    async def _update(
        tx: Transaction, owner: Principal, condition: Condition, username: str | None, info: RequestInfo
    ) -> Account:
        locked = await _lock(tx, owner)
        condition.check(locked.account.etag)
        if username in (None, locked.account.username):
            return locked.account
        await change(tx, locked.account, username=username)
        tx.record(USER_UPDATED, info, user_id=owner.user_id, changed=["username"])
        return (await _lock(tx, owner)).account

    async def delete(self, actor: Actor, info: RequestInfo) -> None:
        """Delete the user and all their data except the audit trail.

        Raises the problems `last_administrator`, `invalid_token`, `database_unavailable`.
        """
        await self._actors.write_revoking(actor, self._delete, info)

    async def _delete(self, tx: RevokingTransaction, owner: Principal, info: RequestInfo) -> None:
        async with self._accounts.keeping_an_administrator(tx, owner.user_id):
            if not await self._accounts.delete(tx, owner.user_id, info, None):
                raise INVALID_TOKEN()


async def _lock(tx: Transaction, owner: Principal) -> LockedUser:
    locked = await lock_user(tx, owner.user_id)
    if locked is None:
        raise INVALID_TOKEN()
    return locked
