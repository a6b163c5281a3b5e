"""The slots of workers. A slot stays while its worker processes are replaced."""

import time
from dataclasses import dataclass

import structlog

from ostiary.server.children import Child

log = structlog.stdlib.get_logger(__name__)

PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a dead worker is replaced, after the first death, the second death, and so on."""
HEALTHY_SECONDS = 60.0
"""If a worker lived at least this long, the pauses begin again with the first."""
COVER_SECONDS = 3.0
"""Seconds without a heartbeat after which other workers also accept the connections of a worker."""


@dataclass(eq=False)
class Slot:
    """The slot of one worker, with a listener of its own.

    worker: the worker that serves; None if there is none. successor: a new worker that is starting to replace it.
    start_at: when the next worker may start. is_covered: whether other workers accept the connections of this one.
    """

    number: int
    worker: Child | None = None
    successor: Child | None = None
    start_at: float = 0.0
    is_covered: bool = False
    _deaths: int = 0

    def promote(self) -> Child | None:
        """Make the successor, if there is one, the worker of this slot; return the old worker."""
        old = self.worker
        self.worker, self.successor, self.start_at = self.successor, None, 0.0
        return old

    def is_served(self, patience: float) -> bool:
        """Return whether the worker is ready and sent a heartbeat within the last `patience` seconds."""
        worker = self.worker
        return worker is not None and worker.is_ready and time.monotonic() - worker.beat <= patience

    def end(self, code: int) -> None:
        """Note that the worker ended with an exit code. The successor takes over, or a new one starts after a pause."""
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
        if not old.is_hanging:  # a hang was logged when it was detected
            log.error(
                "a worker died and is started again" if old.is_ready else "a worker could not start; it tries again",
                worker=self.number,
                pid=old.pid,
                exit_code=code,
                pause_seconds=pause,
            )
