"""The example administrator: Swagger UI's examples use it for operations that need the role admin."""

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
    """An account that exists after `settle` if `present` is true, and otherwise does not.

    Its password is derived from the secret key: every worker can compute it, it is not stored, and nobody can guess it.
    """

    def __init__(self, accounts: Accounts, secret_key: str, *, present: bool) -> None:
        self._accounts = accounts
        self._present = present
        self._settled = False
        key = derive(secret_key, "password of the example administrator")
        self.credentials = (USERNAME, base64.urlsafe_b64encode(key).rstrip(b"=").decode())
        """User name and password."""

    async def settle(self) -> None:
        """Create the account, or remove the one from another profile; raises `database_unavailable`.

        An account with this name and another password belongs to somebody else. It is not changed.
        """
        if self._present:
            await self._make()
        else:
            await self._remove()
        self._settled = True

    async def restore(self) -> None:
        """Call `settle` again if it was called before, because all accounts were deleted. Raises as `settle` does."""
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
