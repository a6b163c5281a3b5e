"""The clock. Only this module reads the time of the operating system."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The interface of clocks. All code that needs the time gets one."""

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


class MovableClock:
    """A clock for the sandbox that runs ahead of another clock. `ahead`: by how many seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead = 0

    def now(self) -> datetime:
        """Return the moved moment as an aware datetime in UTC."""
        return self._clock.now() + timedelta(seconds=self.ahead)

    def timestamp(self) -> float:
        """Return the moved moment in seconds since 1970-01-01 UTC."""
        return self._clock.timestamp() + self.ahead

    def move(self, seconds: int) -> None:
        """Move it ahead by `seconds`."""
        self.ahead += seconds

    def put_right(self) -> None:
        """Reset it to the time of the other clock."""
        self.ahead = 0
