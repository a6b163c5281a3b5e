"""What people change of their own account."""

from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.actor import Actor
from ostiary.core.etags import Condition
from ostiary.core.principal import Principal
from ostiary.core.problems import INVALID_TOKEN
from ostiary.core.request_info import RequestInfo
from ostiary.features.accounts.events import USER_UPDATED
from ostiary.features.accounts.service import Account, Accounts
from ostiary.features.accounts.store import LockedUser, change, lock_user
from ostiary.features.actors.service import Actors
from ostiary.features.audit.service import Audit


class Profile:
    """The use cases that concern one's own account."""

    def __init__(self, actors: Actors, accounts: Accounts, audit: Audit) -> None:
        self._actors = actors
        self._accounts = accounts
        self._audit = audit

    async def update(self, actor: Actor, condition: Condition, username: str | None, info: RequestInfo) -> Account:
        """Change what is given of the user and return the account.

        Raises the problems `precondition_failed`, `username_taken`, `invalid_token`, `database_unavailable`.
        """

        async def work(session: AsyncSession, owner: Principal) -> Account:
            locked = await _hold(session, owner)
            condition.check(locked.account.etag)
            if username in (None, locked.account.username):
                return locked.account
            await change(session, locked.account, username=username)
            self._audit.record(session, USER_UPDATED, info, user_id=owner.user_id, changed=["username"])
            return (await _hold(session, owner)).account

        return await self._actors.write(actor, work)

    async def delete(self, actor: Actor, info: RequestInfo) -> None:
        """Delete the user and all that belongs to them but the audit trail.

        Raises the problems `last_administrator`, `invalid_token`, `database_unavailable`.
        """

        async def work(session: AsyncSession, owner: Principal) -> None:
            async with self._accounts.keeping_an_administrator(session, owner.user_id):
                if not await self._accounts.delete_within(session, owner.user_id, info, None):
                    raise INVALID_TOKEN()

        await self._actors.write_revoking(actor, work)


async def _hold(session: AsyncSession, owner: Principal) -> LockedUser:
    locked = await lock_user(session, owner.user_id)
    if locked is None:
        raise INVALID_TOKEN()
    return locked
