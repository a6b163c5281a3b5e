"""The example administrator: what Swagger UI's examples act as where an operation needs the role admin."""

import base64

import structlog

from ostiary.core.problems import Problem
from ostiary.core.sealing import derive
from ostiary.features.accounts.problems import USERNAME_TAKEN
from ostiary.features.accounts.service import Accounts
from ostiary.features.roles.service import ADMIN

log = structlog.stdlib.get_logger(__name__)

USERNAME = "example-admin"


class ExampleAdministrator:
    """An account that is there exactly where `present` says, once `settle` has been called.

    Its password is derived from the secret key: every worker knows it, nothing keeps it, nobody guesses it.
    """

    def __init__(self, accounts: Accounts, secret_key: str, *, present: bool) -> None:
        self._accounts = accounts
        self._present = present
        self._settled = False
        key = derive(secret_key, "password of the example administrator")
        self.credentials = (USERNAME, base64.urlsafe_b64encode(key).rstrip(b"=").decode())
        """User name and password."""

    async def settle(self) -> None:
        """Make the account, or remove the one that another profile has left; raises `database_unavailable`.

        Somebody else's account of this name, which has another password, is left alone.
        """
        if self._present:
            await self._make()
        else:
            await self._remove()
        self._settled = True

    async def restore(self) -> None:
        """Settle again, if that was done before: every account has been deleted. Raises as `settle` does."""
        if self._settled:
            await self.settle()

    async def _make(self) -> None:
        try:
            await self._accounts.register(*self.credentials, (ADMIN,))
        except Problem as problem:
            if problem.kind is not USERNAME_TAKEN:
                raise
        else:
            log.info("the example administrator was made, for Swagger UI on this machine", username=USERNAME)

    async def _remove(self) -> None:
        found = await self._accounts.id_of(USERNAME)
        if found is None or not (await self._accounts.verify(*self.credentials)).matches:
            return
        await self._accounts.delete_as_operator(found)
        log.warning("the example administrator of the development profile was removed", username=USERNAME)
