"""The clock: the only place that asks the operating system what time it is."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What everything that needs the time is given."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime in UTC."""
        ...

    def timestamp(self) -> float:
        """Return the present moment in seconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The operating system's clock."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that the rule asks for

    def timestamp(self) -> float:
        """Return the present moment in seconds since 1970-01-01 UTC."""
        return time.time()  # noqa: TID251 - this is the clock that the rule asks for
