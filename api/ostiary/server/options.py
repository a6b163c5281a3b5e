"""Options for serving an application."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ostiary.server.http.limits import Limits

Build = Callable[[], Any]
"""Builds the ASGI application in the process that serves it."""


@dataclass(frozen=True)
class Process:
    """How to serve. Durations are in seconds.

    workers: processes that answer requests. drain: time for requests in flight at shutdown. limits: limits on the
    connections of one worker; max_connections 0 means as many as the limit of open files allows. reserve: descriptors
    that the application itself may need in one worker. heartbeat_seconds: a worker without a heartbeat for this time
    counts as hanging. gentle_seconds: time for idle connections to send one more request when only their worker leaves.
    """

    host: str
    port: int
    workers: int
    drain: float
    limits: Limits = field(default_factory=Limits)
    reserve: int = 0
    heartbeat_seconds: float = 30.0
    gentle_seconds: float = 5.0
