"""All connections of one worker, with limits on their number, per address, and on how long the server waits."""

import asyncio
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Any

import structlog

from ostiary.core.problems import SERVICE_STOPPING, TOO_MANY_CONNECTIONS
from ostiary.core.proxies import address_of
from ostiary.server.http.connection import Connection
from ostiary.server.http.exchange import App, Exchange, Peer, Refuse
from ostiary.server.http.limits import Limits
from ostiary.server.http.waiting import Waiting

log = structlog.stdlib.get_logger(__name__)

SWEEP_SECONDS = 0.5
"""Seconds between two checks for overdue connections."""
LOG_SECONDS = 60.0
"""Seconds between two log lines about the limit of connections."""


class Connections:
    """The connections over which a worker serves `app`, an ASGI application.

    If `app` has a method `refuse_early`, it is called first; a request that it refuses needs no task. If `app` has a
    `prefix`, clients reach it under that path.
    """

    def __init__(self, app: App, limits: Limits | None = None) -> None:
        self._limits = limits = limits or Limits()
        self.app = app
        self.prefix: str = getattr(app, "prefix", "")
        self.refuse: Refuse = getattr(app, "refuse_early", _refuse_nothing)
        self.running: set[Exchange] = set()
        self.waiting: Waiting[Connection] = Waiting(limits)
        self._open: dict[str, dict[Connection, None]] = {}
        self._count = 0
        self.is_stopping = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = 0
        self._log_at = 0.0

    def __len__(self) -> int:
        """The number of open connections."""
        return self._count

    def protocol(self) -> Connection:
        """Return the protocol for a new connection."""
        return Connection(self)

    def opened(self, connection: Connection, peer: Peer) -> None:
        """Count a new connection. If a limit is reached, a connection that waits for its client is closed."""
        limits = self._limits
        address = address_of(peer[0])
        others = self._open.setdefault(_site(address), {})
        full = self._count >= limits.connections
        if full or (len(others) >= limits.connections_per_address and not limits.is_exempt(address)):
            self._say_full()
            victim = self.waiting.longest(None if full else others)
            if victim is None:
                connection.turn_away(TOO_MANY_CONNECTIONS)
            else:
                victim.close()
        others[connection] = None
        self._count += 1
        self._empty.clear()
        if self._sweeper is None:
            self._plan_sweep()

    def closed(self, connection: Connection, peer: Peer) -> None:
        """Forget a connection."""
        site = _site(address_of(peer[0]))
        others = self._open.get(site, {})
        if connection not in others:
            return
        del others[connection]
        if not others:
            del self._open[site]
        self.waiting.leave(connection)
        self._count -= 1
        self._note_empty()

    def ended(self, exchange: Exchange) -> None:
        """Forget a request. It may have outlived its connection."""
        self.running.discard(exchange)
        self._note_empty()

    def _note_empty(self) -> None:
        if not self._count and not self.running:
            self._empty.set()

    def begin_stop(self, gentle_seconds: float = 0.0) -> None:
        """Keep serving, but announce in each answer that its connection ends.

        Idle connections are closed after `gentle_seconds`. Half-sent requests get a few seconds to arrive.
        """
        self.is_stopping = True
        self.waiting.begin_stop(gentle_seconds)
        self._sweep()

    async def drained(self) -> None:
        """Return once no connection is open and no request runs."""
        await self._empty.wait()

    def cancel(self) -> None:
        """Cancel all running requests, answer them with `service_stopping`, and close every connection."""
        for connection in self._all():
            connection.cancel(SERVICE_STOPPING)

    def abort(self) -> None:
        """Close every connection at once. Unsent data is lost."""
        for connection in self._all():
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _all(self) -> Iterable[Connection]:
        return [connection for others in self._open.values() for connection in others]

    def _plan_sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(min(SWEEP_SECONDS, self.waiting.shortest / 4), self._sweep)

    def _sweep(self) -> None:
        """End the waits that have taken too long."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in self.waiting.overdue():
            connection.time_out()
        if self._count:
            self._plan_sweep()

    def _say_full(self) -> None:
        self._closed += 1
        now = asyncio.get_running_loop().time()
        if now < self._log_at:
            return
        self._log_at = now + LOG_SECONDS
        log.warning(
            "the limit of connections is reached; each new one closes the one that has waited longest for its client",
            open=self._count,
            bound=self._limits.connections,
            bound_per_address=self._limits.connections_per_address,
            closed=self._closed,
            remedy="raise the limit of open files (ulimit -n, LimitNOFILE=) or OSTIARY_MAX_CONNECTIONS",
        )
        self._closed = 0


def _refuse_nothing(_scope: dict[str, Any]) -> None:
    return None


def _site(address: str) -> str:
    """Return the unit that is limited: an IPv4 address, or the IPv6 network of one subscriber."""
    return IPv6Address(address).exploded[:19] if ":" in address else address
