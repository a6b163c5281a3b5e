"""Which connections wait for their clients, since when, and for how long they may."""

import asyncio
from collections.abc import Collection, Iterator
from enum import IntEnum
from typing import Generic, TypeVar

from ostiary.server.http.limits import Limits

T = TypeVar("T")


class For(IntEnum):
    """What a connection waits for; in this order they make room for others."""

    REQUEST = 0
    HEAD = 1
    BODY = 2
    READER = 3
    END = 4


class Waiting(Generic[T]):
    """Connections by what they wait for, each kind in the order in which they began to.

    All of a kind have the same time, so the first are the first to be overdue: a request costs no timer.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since: tuple[dict[T, float], ...] = tuple({} for _ in For)
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
        """The least time that a connection may wait, in seconds."""
        return max(0.01, min(self._seconds))

    def enter(self, connection: T, what: For) -> None:
        """Let `connection`, which waits for nothing else, wait for `what` from now on."""
        self._since[what][connection] = self._time()

    def leave(self, connection: T) -> None:
        """Let `connection` wait for nothing."""
        for kind in self._since:
            if kind.pop(connection, None) is not None:
                return

    def move(self, connection: T, old: For | None, new: For | None) -> None:
        """Let `connection` wait for `new` instead of `old`, from now on."""
        if old is not None:
            del self._since[old][connection]
        if new is not None:
            self._since[new][connection] = self._time()

    def longest(self, among: Collection[T] | None) -> T | None:
        """Return the connection that should make room: the one longest idle, else the one that has sent least.

        among: the only ones that count; None: all.
        """
        for kind in self._since[: For.READER]:
            for connection in kind if among is None else (one for one in among if one in kind):
                return connection
        return None

    def overdue(self) -> Iterator[T]:
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
        """Allow an idle connection `idle_seconds` from now on, and a request that is half sent some seconds."""
        half_sent = self._limits.half_sent_seconds
        for what, seconds in ((For.REQUEST, idle_seconds), (For.HEAD, half_sent), (For.BODY, half_sent)):
            self._seconds[what] = seconds
            self._since[what].update(dict.fromkeys(self._since[what], self._time()))
