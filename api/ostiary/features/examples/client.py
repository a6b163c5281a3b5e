"""The example client: what Swagger UI's examples act as where an operation is for other services."""

import base64

import structlog

from ostiary.core.request_info import SERVER
from ostiary.core.sealing import derive
from ostiary.features.clients.service import SECRET_PREFIX, Clients

log = structlog.stdlib.get_logger(__name__)

CLIENT_ID = "example-client"
NAME = "example"


class ExampleClient:
    """A service client that is there exactly where `present` says, once `settle` has been called.

    Its secret is derived from the secret key: every worker knows it, nothing keeps it, nobody guesses it.
    """

    def __init__(self, clients: Clients, secret_key: str, *, present: bool) -> None:
        self._clients = clients
        self._present = present
        key = derive(secret_key, "secret of the example client")
        self.credentials = (CLIENT_ID, SECRET_PREFIX + base64.urlsafe_b64encode(key).rstrip(b"=").decode())
        """Its id and secret."""

    async def settle(self) -> None:
        """Make the client, or remove the one that another profile has left; raises `database_unavailable`.

        Where it is as it should be, nothing is written, nor into the audit trail.
        """
        if not self._present:
            await self._clients.remove(CLIENT_ID, SERVER)
        elif not await self._clients.authenticate_client(
            *self.credentials, may_revoke=True
        ) and await self._clients.put(*self.credentials, NAME, SERVER):
            log.info("the example client was made, for Swagger UI on this machine", client_id=CLIENT_ID)
