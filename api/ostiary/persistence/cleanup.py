"""Delete expired rows. Every worker does this at intervals, in small batches."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from ostiary.core.problems import Problem
from ostiary.core.randomness import Randomness
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

CleanupJob = Callable[[Transaction, int], Awaitable[Mapping[str, int]]]
"""Deletes at most the given number of rows from each table and returns the number of deleted rows by table. If all
numbers are zero, nothing is left to delete.
"""

BATCH = 500
"""Rows that one transaction deletes. This takes about 10 to 20 ms, during which other writers may wait."""
PAUSE = 0.05
"""Seconds between two transactions, so that writers of other processes get a turn. On SQLite these do not queue but
retry, and would often miss a shorter pause."""
MAX_BATCHES = 1_000
"""Maximum number of transactions per job in one round, so that every job gets its turn."""
FIRST_AFTER = 30.0
"""Seconds from a worker's start to its first round. A random time of up to the same length is added, so that workers do
not begin at the same time."""
EVERY = 300.0
"""Seconds from the end of a worker's round to its next round, plus a random time of up to the same length."""


class Cleanup:
    """Runs cleanup jobs, each until nothing is left to delete. Between `start` and `stop` it does so automatically.

    Several workers can do this at the same time.
    """

    def __init__(self, database: Database, randomness: Randomness, jobs: Sequence[CleanupJob]) -> None:
        self._database = database
        self._randomness = randomness
        self._jobs = jobs
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to run rounds at intervals. Call it on the event loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def stop(self) -> None:
        """Run no more rounds. A transaction under way finishes on its own, and `Database.close` waits for it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def round(self, most_batches: int | None = None) -> Counter[str]:
        """Run all jobs and return the number of deleted rows by table.

        most_batches: maximum number of transactions per job; None: each job runs until nothing is left. Raises the
        problem `database_unavailable`; rows deleted before that stay deleted.
        """
        deleted: Counter[str] = Counter()
        for job in self._jobs:
            batches = 0
            while most_batches is None or batches < most_batches:
                batches += 1
                batch = await self._database.write(job, BATCH)
                deleted.update(batch)
                if not any(batch.values()):
                    break
                await asyncio.sleep(PAUSE)
        return deleted

    async def _go_on(self) -> None:
        await asyncio.sleep(self._spread(FIRST_AFTER))
        while True:
            await self._one_round()
            await asyncio.sleep(self._spread(EVERY))

    async def _one_round(self) -> None:
        try:
            deleted = await self.round(MAX_BATCHES)
        except Problem:
            return  # the database cannot be reached, which has been logged
        except Exception:  # the server keeps running, and the next round tries again
            log.exception("expired rows could not be deleted; the next round tries again")
            return
        if deleted.total():
            log.info("expired rows were deleted", **deleted)

    def _spread(self, seconds: float) -> float:
        """Return a random time between `seconds` and twice `seconds`."""
        return seconds * (1 + int.from_bytes(self._randomness.bytes(2)) / 65536)
