"""Rows that nobody needs any more are deleted: a few at a time, now and then, by every worker."""

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
"""Deletes at most the given number of rows of each table; returns how many rows it deleted, by table. All zero: nothing
is left to delete.
"""

BATCH = 500
"""Rows that one transaction deletes: some 10 to 20 ms, for which another writer may have to wait."""
PAUSE = 0.05
"""Seconds between two transactions, for the writers of other processes: on SQLite they do not queue, but try again and
again, and would seldom meet a shorter one."""
MAX_BATCHES = 1_000
"""Transactions of one job in one round of a worker, so that every job gets its turn."""
FIRST_AFTER = 30.0
"""Seconds from a worker's start to its first round, and up to as much again: so not all go at once."""
EVERY = 300.0
"""Seconds from the end of a worker's round to its next, and up to as much again."""


class Cleanup:
    """Does its jobs, each until nothing is left; between `start` and `stop` by itself.

    Any number of workers may do the same at once.
    """

    def __init__(self, database: Database, randomness: Randomness, jobs: Sequence[CleanupJob]) -> None:
        self._database = database
        self._randomness = randomness
        self._jobs = jobs
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to do a round now and then; on the event loop alone."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def stop(self) -> None:
        """Do no more; a transaction under way ends by itself, and `Database.close` waits for it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def round(self, most_batches: int | None = None) -> Counter[str]:
        """Do all jobs; return how many rows were deleted, by table.

        most_batches: transactions after which a job is left for another round; None: it goes on until nothing is
        left. Raises the problem `database_unavailable`; what was deleted by then stays deleted.
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
        except Exception:  # whatever it is, the server goes on, and the next round tries again
            log.exception("rows that nobody needs could not be deleted; it is tried again")
            return
        if deleted.total():
            log.info("rows that nobody needs were deleted", **deleted)

    def _spread(self, seconds: float) -> float:
        """Return a time from `seconds` to twice as much, by chance."""
        return seconds * (1 + int.from_bytes(self._randomness.bytes(2)) / 65536)
