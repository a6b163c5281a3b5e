"""Recovery of a database that went back: everything issued before is revoked, and the feed continues far ahead."""

from functools import partial

import structlog

from ostiary.core.randomness import Randomness
from ostiary.core.request_info import SERVER
from ostiary.features.revocation.events import DATABASE_WENT_BACK
from ostiary.features.revocation.following import Follower
from ostiary.features.revocation.identity import Reason
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

JUMP = 1_000_000
"""How far the feed goes on beyond the last known position: beyond every position of the undone future, too, unless more
was revoked in it than that within the life of one access token."""


class Recovery:
    """Recognises, in the transactions of one worker that add to the feed, a database that went back."""

    def __init__(self, follower: Follower, randomness: Randomness) -> None:
        self._follower = follower
        self._randomness = randomness

    async def recover(self, tx: Transaction, token_position: int) -> int | None:
        """Return the position at which the transaction must revoke everything issued before; None if nothing went back.

        Called first in each transaction that adds to the feed. There is one such transaction at a time, so of several
        workers one finds that the database went back, and the others find it recovered. token_position: that of a
        valid token, or 0.
        """
        found, reason = await self._follower.inspect(tx.session)
        if reason is None and token_position > found.last:
            reason = "token"
        if reason is None:
            if found.generation is None:  # a new database, or one from an earlier version
                await self._follower.renew(tx, self._randomness.new_id(), found.last)
            return None
        position = await self._follower.jump(tx, max(found.last, token_position), JUMP)
        await self._follower.renew(tx, self._randomness.new_id(), position)
        tx.record(DATABASE_WENT_BACK, SERVER, user_id=None, sign=reason, position=position)
        tx.after_commit(partial(_log, reason, position))
        return position


def _log(reason: Reason, position: int) -> None:
    log.warning(
        "the database went back to an earlier state: access tokens issued before are refused, revoking works, and "
        "sessions go on by refresh; sessions that had been ended since are open again (docs/backup.md)",
        sign=reason,
        position=position,
    )
