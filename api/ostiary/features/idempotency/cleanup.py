"""The cleanup job of idempotency keys."""

from collections.abc import Mapping

from sqlalchemy import delete, select

from ostiary.core.clock import Clock
from ostiary.features.idempotency.models import IdempotencyKeyRow
from ostiary.persistence.transaction import Transaction


class IdempotencyCleanup:
    """Deletes expired claims and answers. After that, a request with the same key counts as new."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def expired_keys(self, tx: Transaction, most: int) -> Mapping[str, int]:
        """Delete expired keys, up to a limit. Keys that a request is claiming again are skipped."""
        expired = (
            select(IdempotencyKeyRow.digest)
            .where(IdempotencyKeyRow.expires_at <= self._clock.now())
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        statement = delete(IdempotencyKeyRow).where(IdempotencyKeyRow.digest.in_(expired))
        deleted = await tx.session.scalars(
            statement.returning(IdempotencyKeyRow.digest).execution_options(synchronize_session=False)
        )
        return {IdempotencyKeyRow.__tablename__: len(deleted.all())}
