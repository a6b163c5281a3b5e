"""Serve an application: listening sockets, worker processes, and a supervisor above them."""

import os
from collections.abc import Callable
from dataclasses import replace

from ostiary.server import descriptors, signals
from ostiary.server.notify import ServiceManager
from ostiary.server.options import Build, Process
from ostiary.server.sockets import listen
from ostiary.server.supervisor import Supervisor
from ostiary.server.worker import STARTUP_FAILED, Seat, work

__all__ = ["STARTUP_FAILED", "Build", "Process", "serve"]


def serve(build: Build, how: Process, on_ready: Callable[[int], None]) -> int:
    """Serve until SIGTERM, SIGINT or SIGQUIT and return the exit code.

    on_ready: called with the port when every worker answers.
    Raises CannotListen, and SystemExit(0) if a stop signal arrived before.
    """
    asked = signals.take_over()
    asked.begin_to_serve()
    limit = descriptors.raise_limit()
    if limit:
        bound = descriptors.connections_for(limit, how.reserve)
        bound = min(how.limits.max_connections or bound, bound)
        how = replace(how, limits=replace(how.limits, max_connections=bound))
        descriptors.report(limit, bound)
    listeners = listen(how.host, how.port, how.workers)
    port: int = listeners[0].getsockname()[1]
    manager = ServiceManager()

    def ready() -> None:
        on_ready(port)
        manager.ready()

    if not hasattr(os, "fork"):
        return work(build, how, Seat(listeners, 0), asked, ready)
    return Supervisor(build, how, listeners, asked, manager, ready).run()
