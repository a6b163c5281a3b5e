"""Measuring one server under one load, and two quantities in turn."""

import time
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.contenders import Contender
from benchmarks.load import Load, Outcome, Running
from benchmarks.processes import Memory

LOOK_EVERY = 0.5
"""Seconds between two looks at a server's memory and connections."""


@dataclass(frozen=True)
class Sample:
    """One load on one server.

    cpu: milliseconds of CPU of all the server's processes for each request. spread: the connections that each worker
    held, the largest number first. memory: the peak of all processes together, in MiB.
    """

    outcome: Outcome
    cpu: float
    spread: tuple[int, ...]
    memory: Memory


def protected(contender: Contender, connections: int, seconds: int) -> Load:
    """Return the load of `GET /protected` on `contender`."""
    return Load(contender.url + contender.path, connections, seconds, headers=contender.headers)


def measure(contender: Contender, load: Load) -> Sample:
    """Put `load` on `contender` and return the figures; raises Failed."""
    members = processes.tree(contender.process)
    before = processes.cpu_seconds(members)
    memory = processes.memory(members)
    spread: tuple[int, ...] = ()
    with Running(load) as running:
        while not running.is_over():
            time.sleep(LOOK_EVERY)
            memory = memory.peak(processes.memory(members))
            held = tuple(sorted(processes.connections(members, contender.port).values(), reverse=True))
            spread = max(spread, held, key=sum)
        outcome = running.result()
    cpu = processes.cpu_seconds(members) - before
    # The first process supervises and holds none.
    workers = max(1, len(members) - 1)
    return Sample(outcome, cpu / outcome.requests * 1000, spread[:workers], memory)
