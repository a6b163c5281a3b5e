"""The example client: Swagger UI's examples use it for operations for other services."""

import base64

import structlog

from ostiary.core.request_info import SERVER
from ostiary.core.sealing import derive
from ostiary.features.clients.service import SECRET_PREFIX, Clients

log = structlog.stdlib.get_logger(__name__)

CLIENT_ID = "example-client"
NAME = "example"


class ExampleClient:
    """A service client that exists after `settle` if `present` is true, and otherwise does not.

    Its secret is derived from the secret key: every worker can compute it, it is not stored, and nobody can guess it.
    """

    def __init__(self, clients: Clients, secret_key: str, *, present: bool) -> None:
        self._clients = clients
        self._present = present
        key = derive(secret_key, "secret of the example client")
        self.credentials = (CLIENT_ID, SECRET_PREFIX + base64.urlsafe_b64encode(key).rstrip(b"=").decode())
        """Its id and secret."""

    async def settle(self) -> None:
        """Create the client, or remove the one from another profile; raises `database_unavailable`.

        If nothing has to change, nothing is written, not even to the audit trail.
        """
        if not self._present:
            await self._clients.remove(CLIENT_ID, SERVER)
        elif not await self._clients.authenticate_client(
            *self.credentials, may_revoke=True
        ) and await self._clients.put(*self.credentials, NAME, SERVER):
            log.info("the example client was made, for Swagger UI on this machine", client_id=CLIENT_ID)
