"""What people change of their own account."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.core.client import Client
from api.core.etags import Condition
from api.features.accounts.events import USER_UPDATED
from api.features.accounts.service import Account
from api.features.accounts.store import change, hold
from api.features.audit.service import Audit
from api.persistence.database import Database


class Profile:
    """The use cases that concern one's own name."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    async def update(self, user_id: str, condition: Condition, username: str | None, client: Client) -> Account | None:
        """Change what is given of the user and return the account; None if it is gone.

        Raises the problems `precondition_failed`, `username_taken`, `database_unavailable`.
        """

        async def work(session: AsyncSession) -> Account | None:
            held = await hold(session, user_id)
            if held is None:
                return None
            condition.check(held.account.etag)
            if username in (None, held.account.username):
                return held.account
            await change(session, held.account, username=username)
            self._audit.record(session, USER_UPDATED, client, user_id=user_id, changed=["username"])
            renamed = await hold(session, user_id)
            return None if renamed is None else renamed.account

        return await self._database.write(work)
