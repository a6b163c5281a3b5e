"""What operators and readers of the contract ask."""

from dataclasses import dataclass

from api.core.problems import CATALOGUE, NOT_FOUND
from api.persistence.database import Database


@dataclass(frozen=True)
class ProblemDescription:
    """What a problem code means."""

    code: str
    status: int
    title: str
    detail: str
    remedy: str


class Operations:
    """Health, readiness, and the meaning of problems."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_ready(self) -> None:
        """Return if requests can be served; raises the problem `database_unavailable`."""
        await self._database.ping()

    @staticmethod
    def describe(code: str) -> ProblemDescription:
        """Return what `code` means; raises the problem `not_found`."""
        kind = CATALOGUE.get(code)
        if kind is None:
            raise NOT_FOUND()
        return ProblemDescription(kind.code, kind.status, kind.title, kind.detail, kind.remedy)
