"""`GET /protected` on a database of a thousand rows of each kind beside one of a million, in the same run."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import contenders, processes, report, scenarios, seed
from benchmarks.contenders import Contender
from benchmarks.databases import postgres_database
from benchmarks.measuring import Sample
from ostiary.persistence.migrate import migrate

SMALL, LARGE = 1_000, 1_000_000
"""Users, sessions (each with a refresh token) and revocations in force."""
AIM = 0.9


@dataclass(frozen=True)
class _Started:
    contender: Contender
    seconds: float
    memory: processes.Memory


@contextmanager
def _ostiary(directory: Path, database: str, rows: int) -> Iterator[_Started]:
    """Run Ostiary on a database of its own. seconds: until every worker answers, the people being registered."""
    file = f"sqlite+aiosqlite:///{directory / f'ostiary-{rows}.db'}"
    with nullcontext(file) if database == "SQLite" else postgres_database(f"_{rows}") as url:
        asyncio.run(migrate(url, 60.0))
        seed.fill(url, seed.Amounts(rows, rows, rows))
        key, title = f"{database}-{rows}", f"{database}, {rows:,} rows"
        began = time.monotonic()
        with contenders.ostiary(directory, key, url, title) as contender:
            seconds = time.monotonic() - began
            yield _Started(contender, seconds, processes.memory(processes.tree(contender.process)))


def run(directory: Path, database: str, scale: float) -> tuple[dict[str, Any], list[str], list[Sample]]:
    """Return what was measured, for JSON and as lines, and the samples.

    database: "SQLite" or "PostgreSQL". scale: of all durations. Raises Failed.
    """
    with ExitStack() as stack:
        small, large = (stack.enter_context(_ostiary(directory, database, rows)) for rows in (SMALL, LARGE))
        running = [large.contender, small.contender]
        samples = scenarios.protected_rounds(running, scale)
    one, other = large.contender.key, small.contender.key
    ratio = {
        "says": f"{database}, {LARGE:,} / {SMALL:,} rows",
        "ratio": report.ratio(samples, one, other),
        "cpu_ratio": report.cpu_ratio(samples, one, other),
        "aim": AIM,
    }
    # Of all the processes together: the supervisor holds no revocations.
    more = (large.memory.rss - small.memory.rss) * 1024 * 1024
    each = more / (LARGE - SMALL) / contenders.WORKERS
    rows = report.rows_of(running, samples)
    told = {
        "rows": rows,
        "ratio": ratio,
        "bytes_per_revocation": each,
        "start_seconds": {SMALL: small.seconds, LARGE: large.seconds},
        "samples": report.plain(samples),
    }
    lines = [
        report.table(rows),
        "",
        report.ratio_line(ratio),
        f"memory for each revocation in a worker   {each:.0f} bytes of RSS",
        f"start, with eight people registered      {small.seconds:.1f} s, {large.seconds:.1f} s",
    ]
    return told, lines, [sample for held in samples.values() for sample in held]
