"""What people change of their own account."""

from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.actor import Actor
from ostiary.core.client import Client
from ostiary.core.etags import Condition
from ostiary.core.principal import Principal
from ostiary.core.problems import INVALID_TOKEN
from ostiary.features.accounts.events import USER_UPDATED
from ostiary.features.accounts.service import Account, Accounts
from ostiary.features.accounts.store import Held, change, hold
from ostiary.features.actors.service import Actors
from ostiary.features.audit.service import Audit


class Profile:
    """The use cases that concern one's own account."""

    def __init__(self, actors: Actors, accounts: Accounts, audit: Audit) -> None:
        self._actors = actors
        self._accounts = accounts
        self._audit = audit

    async def update(self, actor: Actor, condition: Condition, username: str | None, client: Client) -> Account:
        """Change what is given of the user and return the account.

        Raises the problems `precondition_failed`, `username_taken`, `invalid_token`, `database_unavailable`.
        """

        async def work(session: AsyncSession, owner: Principal) -> Account:
            held = await _hold(session, owner)
            condition.check(held.account.etag)
            if username in (None, held.account.username):
                return held.account
            await change(session, held.account, username=username)
            self._audit.record(session, USER_UPDATED, client, user_id=owner.user_id, changed=["username"])
            return (await _hold(session, owner)).account

        return await self._actors.write(actor, work)

    async def delete(self, actor: Actor, client: Client) -> None:
        """Delete the user and all that belongs to them but the audit trail.

        Raises the problems `last_administrator`, `invalid_token`, `database_unavailable`.
        """

        async def work(session: AsyncSession, owner: Principal) -> None:
            async with self._accounts.keeping_an_administrator(session, owner.user_id):
                if not await self._accounts.delete_within(session, owner.user_id, client, None):
                    raise INVALID_TOKEN()

        await self._actors.write_revoking(actor, work)


async def _hold(session: AsyncSession, owner: Principal) -> Held:
    held = await hold(session, owner.user_id)
    if held is None:
        raise INVALID_TOKEN()
    return held
