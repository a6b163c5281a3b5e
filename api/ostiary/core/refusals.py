"""Refuse calls when too many wait: set Retry-After, log a line, and delay the answers."""

import math
from collections.abc import Callable

import structlog

from ostiary.core.problems import OVERLOADED, Problem

log = structlog.stdlib.get_logger(__name__)

LOG_SECONDS = 10.0
"""Seconds between two log lines."""
REFUSALS_PER_SECOND = 50
"""Refusals per second that one process answers without delay."""
MAX_DELAY_SECONDS = 1.8
"""Longest delay of an answer."""
SPREAD_SECONDS = 0.3
"""Spread of the longest delays, so that clients that came together do not come back together."""
MAX_RETRY_AFTER = 30
TICK_SECONDS = 0.02
"""Delays are multiples of this time, so that one wake-up of the event loop sends many answers. Each wake-up takes a
processor and its caches away from a hash.
"""
_GOLDEN_RATIO = 0.6180339887498949


class Refusals:
    """Counts refusals. now: returns seconds on a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._total = 0
        self._unlogged = 0
        self._log_at = float("-inf")
        self._next_answer = float("-inf")

    def refuse(self, waiting: int, seconds: float) -> Problem:
        """Return the problem `overloaded`, with a Retry-After of its own.

        waiting: the number of waiting calls. seconds: the expected wait of the last of them. Retry-After is between
        once and twice that time, spread evenly, so that clients that respect it do not all come back at the same time.
        """
        self._total += 1
        self._unlogged += 1
        now = self._now()
        if now >= self._log_at:
            log.warning("logins are refused: too many passwords wait", waiting=waiting, refused=self._unlogged)
            self._log_at = now + LOG_SECONDS
            self._unlogged = 0
        base = max(1.0, seconds)
        return OVERLOADED(retry_after=min(MAX_RETRY_AFTER, math.ceil(base * (1 + self._spread()))))

    def delay(self) -> float:
        """Return for how many seconds to delay the answer of the present refusal.

        Without delays, clients that retry at once would send as many requests as the server can refuse. The refusals
        would take processor time from the hashes. The first 50 refusals per second are answered at once.
        """
        now = self._now()
        earliest = max(now - 1.0, self._next_answer)
        longest = now + MAX_DELAY_SECONDS
        self._next_answer = due = earliest + 1 / REFUSALS_PER_SECOND
        if due > longest - SPREAD_SECONDS:
            self._next_answer = min(due, longest)
            due = longest - SPREAD_SECONDS * self._spread()
        return max(0.0, due // TICK_SECONDS * TICK_SECONDS - now)

    def _spread(self) -> float:
        """Return a number from 0 up to 1. The numbers of successive refusals are spread evenly."""
        return self._total * _GOLDEN_RATIO % 1
