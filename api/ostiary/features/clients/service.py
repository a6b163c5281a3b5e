"""Service clients: other services that introspect tokens, each with its own secret (RFC 6749 section 2.1)."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Boolean, ColumnElement, bindparam, delete, insert, literal_column, not_, or_, select
from sqlalchemy.exc import IntegrityError

from ostiary.core.clock import Clock
from ostiary.core.events import EventType
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import OPERATOR, RequestInfo
from ostiary.core.sealing import digest
from ostiary.features.clients.events import CLIENT_CREATED, CLIENT_REMOVED
from ostiary.features.clients.models import ServiceClientRow
from ostiary.persistence.database import Database, is_duplicate
from ostiary.persistence.point_query import PointQuery
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

SECRET_PREFIX = "osc_"  # noqa: S105 - what every secret begins with, so that scanners find one that was published
MAX_NAME_LENGTH = 64


@dataclass(frozen=True)
class ServiceClient:
    """The public data of a service client. may_revoke: whether it can also revoke tokens."""

    client_id: str
    name: str
    created_at: datetime
    may_revoke: bool


class Clients:
    """The use cases of service clients."""

    def __init__(self, database: Database, clock: Clock, randomness: Randomness) -> None:
        self._database = database
        self._clock = clock
        self._randomness = randomness
        self._query = PointQuery(
            database,
            select(literal_column("1")).where(
                ServiceClientRow.secret_digest == bindparam("secret_digest"),
                or_(ServiceClientRow.may_revoke, not_(bindparam("may_revoke", type_=Boolean))),
            ),
        )

    async def create(self, name: str, *, may_revoke: bool = False) -> tuple[ServiceClient, str]:
        """Create a client; return it and its secret, which is not stored. Raises the problem `database_unavailable`.

        The secret has 256 random bits, so a plain digest of it is enough (OWASP ASVS 11.4.1).
        """
        client = ServiceClient(self._randomness.new_id(), name, self._clock.now(), may_revoke)
        secret = SECRET_PREFIX + self._randomness.token()
        await self._database.write(self._add, client, secret, OPERATOR)
        log.info("a service client was created", client_id=client.client_id, name=name)
        return client, secret

    async def put(self, client_id: str, secret: str, name: str, by: RequestInfo) -> bool:
        """Create a client with this id and secret that can revoke tokens. It replaces any other client with this id.

        Return whether it was created: False if it exists already. Of several workers that call this at once, one
        creates it. by: the caller, for the audit trail. Raises the problem `database_unavailable`.
        """
        client = ServiceClient(client_id, name, self._clock.now(), may_revoke=True)
        try:
            return await self._database.write(self._put, client, secret, by)
        except IntegrityError as error:
            if not is_duplicate(error):  # else another worker was faster
                raise
            return False

    async def _put(self, tx: Transaction, client: ServiceClient, secret: str, by: RequestInfo) -> bool:
        client_id = client.client_id
        found = await tx.session.get(ServiceClientRow, client_id)
        if found is not None:
            if found.may_revoke and found.secret_digest == secret_digest(client_id, secret):
                return False
            # Only the client that was found: another worker may have replaced it since.
            same = (
                ServiceClientRow.secret_digest == found.secret_digest,
                ServiceClientRow.may_revoke == found.may_revoke,
            )
            if await self._remove(tx, client_id, by, *same) is None:
                return False
        await self._add(tx, client, secret, by)
        return True

    async def known(self) -> list[ServiceClient]:
        """Return all clients, the oldest first; raises the problem `database_unavailable`."""
        query = select(ServiceClientRow).order_by(ServiceClientRow.client_id)
        async with self._database.read() as session:
            rows = await session.scalars(query)
            return [_service_client(row) for row in rows]

    async def remove(self, client_id: str, by: RequestInfo = OPERATOR) -> ServiceClient | None:
        """Remove the client and return it, None if there is none; raises the problem `database_unavailable`.

        Its next request is refused, by every worker. by: the caller, for the audit trail.
        """
        removed = await self._database.write(self._remove, client_id, by)
        if removed is not None:
            log.info("a service client was removed", client_id=client_id, name=removed.name)
        return removed

    @staticmethod
    async def _remove(
        tx: Transaction, client_id: str, by: RequestInfo, *criteria: ColumnElement[bool]
    ) -> ServiceClient | None:
        found = delete(ServiceClientRow).where(ServiceClientRow.client_id == client_id, *criteria)
        row = await tx.session.scalar(found.returning(ServiceClientRow))
        if row is None:
            return None
        removed = _service_client(row)
        _record(tx, CLIENT_REMOVED, by, removed)
        return removed

    async def authenticate_client(self, client_id: str, secret: str, *, may_revoke: bool = False) -> bool:
        """Return whether there is a client of this id and secret, and, if so asked, whether it may revoke tokens.

        The comparison is of digests that nobody can choose, so its timing reveals nothing. Raises the problem
        `database_unavailable`.
        """
        return await self._query.exists(secret_digest=secret_digest(client_id, secret), may_revoke=may_revoke)

    async def stop(self) -> None:
        """Close the resources of the look-up."""
        self._query.close()

    @staticmethod
    async def _add(tx: Transaction, client: ServiceClient, secret: str, by: RequestInfo) -> None:
        values = {**vars(client), "secret_digest": secret_digest(client.client_id, secret)}
        await tx.session.execute(insert(ServiceClientRow).values(values))
        _record(tx, CLIENT_CREATED, by, client)


def _record(tx: Transaction, kind: EventType, by: RequestInfo, client: ServiceClient) -> None:
    tx.record(
        kind,
        by,
        user_id=None,
        client_id=client.client_id,
        name=client.name,
        may_revoke=client.may_revoke,
    )


def _service_client(row: ServiceClientRow) -> ServiceClient:
    return ServiceClient(row.client_id, row.name, row.created_at, row.may_revoke)


def secret_digest(client_id: str, secret: str) -> str:
    """Return the stored form of a client's secret."""
    return digest(f"{client_id}:{secret}")  # an id of ours has no colon
