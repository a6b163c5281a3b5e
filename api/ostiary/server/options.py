"""How an application is to be served."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ostiary.server.http.limits import Limits

Build = Callable[[], Any]
"""Makes the ASGI application, in the process that serves it."""


@dataclass(frozen=True)
class Process:
    """How to serve. Durations are in seconds.

    workers: processes that answer requests. drain: what requests in flight get at shutdown. limits: bounds of the
    connections of one worker; max_connections 0 takes as many as the limit of open files allows. reserve: descriptors
    that the application itself may need in one worker. heartbeat_seconds: a worker that is silent for so long hangs.
    gentle_seconds: what idle connections get to send one more request when their worker leaves and others stay.
    """

    host: str
    port: int
    workers: int
    drain: float
    limits: Limits = field(default_factory=Limits)
    reserve: int = 0
    heartbeat_seconds: float = 30.0
    gentle_seconds: float = 5.0
