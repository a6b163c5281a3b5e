"""Track which connections wait for their clients, since when, and for how long they may."""

import asyncio
from collections.abc import Collection, Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from ostiary.server.http.limits import Limits

if TYPE_CHECKING:
    from ostiary.server.http.connection import Connection


class For(IntEnum):
    """What a connection waits for. In this order, connections are closed to make room for new ones."""

    REQUEST = 0
    HEAD = 1
    BODY = 2
    READER = 3
    END = 4


class Waiting:
    """Connections by what they wait for, each kind in the order in which the connections began to wait.

    All connections of a kind have the same time limit, so the first ones are overdue first. Requests need no timers.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since: tuple[dict[Connection, float], ...] = tuple({} for _ in For)
        self._seconds = [
            limits.keep_alive_seconds,
            limits.head_seconds,
            limits.body_seconds,
            limits.write_seconds,
            limits.linger_seconds,
        ]
        self._time = asyncio.get_running_loop().time

    @property
    def shortest(self) -> float:
        """The shortest of the time limits, in seconds."""
        return max(0.01, min(self._seconds))

    def enter(self, connection: "Connection", what: For) -> None:
        """Note that `connection`, which waits for nothing yet, waits for `what` from now on."""
        self._since[what][connection] = self._time()

    def leave(self, connection: "Connection") -> None:
        """Note that `connection` waits for nothing."""
        for kind in self._since:
            if kind.pop(connection, None) is not None:
                return

    def move(self, connection: "Connection", old: For | None, new: For | None) -> None:
        """Note that `connection` waits for `new` instead of `old` from now on."""
        if old is not None:
            del self._since[old][connection]
        if new is not None:
            self._since[new][connection] = self._time()

    def longest(self, among: Collection["Connection"] | None) -> "Connection | None":
        """Return the connection to close for a new one: the longest idle one, else the one that has sent the least.

        among: the connections to choose from; None: all.
        """
        for kind in self._since[: For.READER]:
            for connection in kind if among is None else (one for one in among if one in kind):
                return connection
        return None

    def overdue(self) -> Iterator["Connection"]:
        """Yield the connections that have waited for too long."""
        now = self._time()
        for kind, seconds in zip(self._since, self._seconds, strict=True):
            late = []
            for connection, since in kind.items():
                if now - since < seconds:
                    break
                late.append(connection)
            yield from late

    def begin_stop(self, idle_seconds: float) -> None:
        """From now on, give idle connections `idle_seconds` and half-sent requests `half_sent_seconds`."""
        half_sent = self._limits.half_sent_seconds
        for what, seconds in ((For.REQUEST, idle_seconds), (For.HEAD, half_sent), (For.BODY, half_sent)):
            self._seconds[what] = seconds
            self._since[what].update(dict.fromkeys(self._since[what], self._time()))
