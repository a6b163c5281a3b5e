"""The cleanup job of the revocation feed."""

from collections.abc import Mapping

from sqlalchemy import delete, func, select

from ostiary.core.clock import Clock
from ostiary.features.revocation.models import RevocationRow
from ostiary.persistence.transaction import Transaction


class RevocationCleanup:
    """Deletes entries whose tokens have all expired. Workers remove them from memory by their own clocks.

    The last entry stays: its number is the position of the feed, which must never go back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def expired_entries(self, tx: Transaction, most: int) -> Mapping[str, int]:
        """Delete expired entries, up to a limit. Entries that another worker is deleting are skipped."""
        last = select(func.max(RevocationRow.seq)).scalar_subquery()
        expired = (
            select(RevocationRow.seq)
            .where(RevocationRow.expires_at < int(self._clock.timestamp()), RevocationRow.seq < last)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        statement = delete(RevocationRow).where(RevocationRow.seq.in_(expired)).returning(RevocationRow.seq)
        deleted = await tx.session.scalars(statement.execution_options(synchronize_session=False))
        return {RevocationRow.__tablename__: len(deleted.all())}
