"""Load what a worker needs from the database before it serves, even if the database is unavailable at that time."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ostiary.core.problems import Problem

log = structlog.stdlib.get_logger(__name__)

Load = Callable[[], Awaitable[None]]

FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 5.0


class Startup:
    """Loads once, and retries in the background while the database cannot be reached."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self.is_pending = False
        """Whether the first attempt has failed and no later one has succeeded."""

    async def begin(self, load: Load) -> None:
        """Await `load`. If it raises a problem, return and retry in the background; raise other exceptions."""
        try:
            await load()
        except Problem as problem:
            log.error("started without the database; requests that need it are refused", cause=problem.detail)
            self.is_pending = True
            self._task = asyncio.get_running_loop().create_task(self._go_on(load))

    async def _go_on(self, load: Load) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self.is_pending:
            await asyncio.sleep(pause)
            pause = min(MAX_PAUSE_SECONDS, 2 * pause)
            try:
                await load()
            except Problem:
                continue  # it has been logged
            except Exception:
                # Such as signing keys that cannot be opened. They would end a start, but this worker serves already.
                log.exception("the start could not be completed; retrying")
            else:
                self.is_pending = False
        log.warning("the start is complete: the database is back")

    async def stop(self) -> None:
        """Stop retrying."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
