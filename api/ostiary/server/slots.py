"""The places of workers: processes come and go in them."""

import time
from dataclasses import dataclass

import structlog

from ostiary.server.children import Child

log = structlog.stdlib.get_logger(__name__)

PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a worker that died is replaced: after the first death, the second, and so on."""
HEALTHY_SECONDS = 60.0
"""A worker that has lived for so long starts the pauses anew when it dies."""
COVER_SECONDS = 3.0
"""Seconds of silence after which the other workers accept a worker's connections, too."""


@dataclass(eq=False)
class Slot:
    """The place of one worker, with a listener of its own.

    worker: who serves, None when nobody does. successor: who is being started to take over from it. start_at: when the
    next worker may start. is_covered: whether the other workers serve for this one.
    """

    number: int
    worker: Child | None = None
    successor: Child | None = None
    start_at: float = 0.0
    is_covered: bool = False
    _deaths: int = 0

    def promote(self) -> Child | None:
        """Let the successor, if there is one, take the place; return who had it."""
        old = self.worker
        self.worker, self.successor, self.start_at = self.successor, None, 0.0
        return old

    def is_served(self, patience: float) -> bool:
        """Whether its worker is ready and has been heard of within `patience` seconds."""
        worker = self.worker
        return worker is not None and worker.is_ready and time.monotonic() - worker.beat <= patience

    def end(self, code: int) -> None:
        """Note that its worker has ended with an exit code; its successor takes over, or one is due after a pause."""
        old = self.promote()
        if old is None:
            return
        now = time.monotonic()
        if code == 0:
            log.info("a worker was asked to stop and is replaced", worker=self.number, pid=old.pid)
            return
        if now - old.started >= HEALTHY_SECONDS:
            self._deaths = 0
        pause = PAUSES[min(self._deaths, len(PAUSES) - 1)]
        self._deaths += 1
        self.start_at = now + pause
        if not old.is_hanging:  # which was logged when it was noticed
            log.error(
                "a worker died and is started again" if old.is_ready else "a worker could not start; it tries again",
                worker=self.number,
                pid=old.pid,
                exit_code=code,
                pause_seconds=pause,
            )
