"""Does the session of an access token still live? Asked on every request that carries one."""

from typing import Protocol

from sqlalchemy import bindparam, literal_column, select

from api.features.sessions.models import SessionRow
from api.persistence.database import Database
from api.persistence.point_query import PointQuery


class Revocation(Protocol):
    """What stands between a logged-out token and a view."""

    async def is_live(self, session_id: str) -> bool:
        """Return whether the session has not ended; raises the problem `database_unavailable`, never guesses."""
        ...


class DatabaseRevocation:
    """Asks the database each time: exact on every worker, the moment that the end of the session is committed."""

    def __init__(self, database: Database) -> None:
        self._query = PointQuery(
            database,
            select(literal_column("1")).where(SessionRow.id == bindparam("session_id"), SessionRow.ended_at.is_(None)),
            "session_id",
        )

    async def is_live(self, session_id: str) -> bool:
        """Return whether the session has not ended; raises the problem `database_unavailable`."""
        return await self._query.exists(session_id)

    def close(self) -> None:
        """Close what the look-up keeps open."""
        self._query.close()
