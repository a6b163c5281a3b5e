"""Service clients: other services that ask about tokens, each with a secret of its own (RFC 6749 section 2.1)."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import bindparam, delete, insert, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock
from api.core.randomness import Randomness
from api.core.sealing import digest
from api.features.clients.models import ServiceClientRow
from api.persistence.database import Database
from api.persistence.point_query import PointQuery

log = structlog.stdlib.get_logger(__name__)

SECRET_PREFIX = "osc_"  # noqa: S105 - what every secret begins with, so that scanners find one that was published
LONGEST_NAME = 64


@dataclass(frozen=True)
class ServiceClient:
    """A service client as others see it: its id is public."""

    client_id: str
    name: str
    created_at: datetime


class Clients:
    """The use cases of service clients."""

    def __init__(self, database: Database, clock: Clock, randomness: Randomness) -> None:
        self._database = database
        self._clock = clock
        self._randomness = randomness
        self._query = PointQuery(
            database,
            select(literal_column("1")).where(ServiceClientRow.secret_digest == bindparam("secret_digest")),
        )

    async def create(self, name: str) -> tuple[ServiceClient, str]:
        """Make a client; return it and its secret, which is kept nowhere. Raises the problem `database_unavailable`.

        The secret has 256 random bits, so a plain digest of it is enough (OWASP ASVS 11.4.1).
        """
        client = ServiceClient(self._randomness.new_id(), name, self._clock.now())
        secret = SECRET_PREFIX + self._randomness.token()
        values = {**vars(client), "secret_digest": secret_digest(client.client_id, secret)}

        async def add(session: AsyncSession) -> None:
            await session.execute(insert(ServiceClientRow).values(values))

        await self._database.write(add)
        log.info("a service client was made", client_id=client.client_id, name=name)
        return client, secret

    async def known(self) -> list[ServiceClient]:
        """Return all clients, the oldest first; raises the problem `database_unavailable`."""
        query = select(ServiceClientRow).order_by(ServiceClientRow.client_id)
        async with self._database.read() as session:
            rows = await session.scalars(query)
            return [ServiceClient(row.client_id, row.name, row.created_at) for row in rows]

    async def remove(self, client_id: str) -> ServiceClient | None:
        """Remove the client and return it, None if there is none; raises the problem `database_unavailable`.

        Its next request is refused, by every worker.
        """
        statement = delete(ServiceClientRow).where(ServiceClientRow.client_id == client_id).returning(ServiceClientRow)

        async def take_away(session: AsyncSession) -> ServiceClient | None:
            row = await session.scalar(statement)
            return None if row is None else ServiceClient(row.client_id, row.name, row.created_at)

        removed = await self._database.write(take_away)
        if removed is not None:
            log.info("a service client was removed", client_id=client_id, name=removed.name)
        return removed

    async def is_client(self, client_id: str, secret: str) -> bool:
        """Return whether there is a client of this id and secret; raises the problem `database_unavailable`.

        What is compared is a digest that nobody can choose, so the time that it takes tells nothing.
        """
        return await self._query.exists(secret_digest=secret_digest(client_id, secret))

    def close(self) -> None:
        """Close what the look-up keeps open."""
        self._query.close()


def secret_digest(client_id: str, secret: str) -> str:
    """Return what the database keeps of a client's secret."""
    return digest(f"{client_id}:{secret}")  # an id of ours has no colon
