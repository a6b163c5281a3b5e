"""The example client: what Swagger UI's examples act as where an operation is for other services."""

import base64

import structlog
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock
from api.core.sealing import derive
from api.features.clients.models import ServiceClientRow
from api.features.clients.service import SECRET_PREFIX, Clients, secret_digest
from api.persistence.database import Database, is_duplicate

log = structlog.stdlib.get_logger(__name__)

CLIENT_ID = "example-client"


class ExampleClient:
    """A service client that is there exactly where `present` says, once `settle` has been called.

    Its secret is derived from the secret key: every worker knows it, nothing keeps it, nobody guesses it.
    """

    def __init__(self, database: Database, clients: Clients, secret_key: str, clock: Clock, *, present: bool) -> None:
        self._database = database
        self._clients = clients
        self._clock = clock
        self._present = present
        key = derive(secret_key, "secret of the example client")
        self.credentials = (CLIENT_ID, SECRET_PREFIX + base64.urlsafe_b64encode(key).rstrip(b"=").decode())
        """Its id and secret."""

    async def settle(self) -> None:
        """Make the client, or remove the one that another profile has left; raises `database_unavailable`."""
        if not self._present:
            await self._clients.remove(CLIENT_ID)
        elif not await self._clients.is_client(*self.credentials):
            await self._make()

    async def _make(self) -> None:
        values = {
            "client_id": CLIENT_ID,
            "name": "example",
            "secret_digest": secret_digest(*self.credentials),
            "created_at": self._clock.now(),
        }

        async def put_in_place(session: AsyncSession) -> None:
            # Of another secret key, if there is one.
            await session.execute(delete(ServiceClientRow).where(ServiceClientRow.client_id == CLIENT_ID))
            await session.execute(insert(ServiceClientRow).values(values))

        try:
            await self._database.write(put_in_place)
        except IntegrityError as error:
            if not is_duplicate(error):  # another worker was quicker
                raise
        else:
            log.info("the example client was made, for Swagger UI on this machine", client_id=CLIENT_ID)
