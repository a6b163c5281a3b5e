"""How a worker follows the revocation feed; the two ways are in `on_sqlite` and `on_postgres`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.features.revocation.identity import Found, Reason
from ostiary.features.revocation.memory import Entry
from ostiary.persistence.transaction import Transaction

Apply = Callable[[list[Entry]], None]
"""Receives new entries, in order."""
Recover = Callable[[], Awaitable[None]]
"""Checks in its own transaction whether the database went back, and if so, revokes everything issued before."""

AT_ONCE = 2_000
"""Entries read without a pause: some 10 ms on the event loop."""


def loop_time() -> float:
    """Return the loop's own time in seconds, which does not jump."""
    return asyncio.get_running_loop().time()


class Follower(Protocol):
    """Keeps the memory of one worker up to date."""

    def is_current(self) -> bool:
        """Return whether everything committed so far is known. On SQLite, read new entries first."""
        ...

    async def check(self) -> None:
        """Return if the database was found, about a second ago at most, not to have gone back; recover it if it has.

        For a worker that asks the database. Raises the problem `database_unavailable`.
        """
        ...

    async def start(self) -> None:
        """Begin to follow; raises the problem `database_unavailable` where that cannot be done later."""
        ...

    async def inspect(self, session: AsyncSession) -> tuple[Found, Reason | None]:
        """Return the state of the history, and the sign that it went back, if it has.

        At the beginning of a transaction that adds to the feed, when nobody else can.
        """
        ...

    async def jump(self, tx: Transaction, position: int, by: int) -> int:
        """Let the numbering go on `by` beyond `position` and all that any worker is known to have seen; return
        where.
        """
        ...

    async def renew(self, tx: Transaction, generation: str, position: int) -> None:
        """Record that the history continues as `generation` from `position`."""
        ...

    async def announce(self, tx: Transaction) -> int:
        """Announce to the other workers that this transaction has added entries; return the position of the last."""
        ...

    async def others_have_seen(self, position: int) -> None:
        """Wait until the other workers know the entry at `position`, or are known not to be current."""
        ...

    async def stop(self) -> None:
        """Close all resources."""
        ...
