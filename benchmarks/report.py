"""From samples to a table, and to one line for each ratio that has an aim."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.load import generator
from benchmarks.measuring import Sample
from benchmarks.scenarios import BusyRound, LoginRound
from ostiary.core.clock import SystemClock


@dataclass(frozen=True)
class Aim:
    """A ratio that is wanted: Ostiary's requests per second over those of `other`."""

    other: str
    wanted: float
    says: str


AIMS = (
    Aim("bare", 0.8, "Ostiary / (a) bare Flask view"),
    Aim("tutorial", 4.0, "Ostiary / (b) Flask-JWT-Extended"),
    Aim("stock_async", 4.0, "Ostiary / (c) stock Flask[async]"),
)
LOGIN_AIM = 0.95


def machine(scale: float) -> dict[str, Any]:
    """Return when, where and with what a run was made."""
    return {
        "date": SystemClock().now().date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average_before": round(os.getloadavg()[0], 2),
        "generator": generator(),
        "scale": scale,
    }


def ratio(samples: dict[str, list[Sample]], one: str, other: str) -> float:
    """Return the median over the rounds of the requests per second of `one` over those of `other`."""
    pairs = zip(samples[one], samples[other], strict=True)
    return median(first.outcome.rate / second.outcome.rate for first, second in pairs)


def cpu_ratio(samples: dict[str, list[Sample]], one: str, other: str) -> float:
    """Return the median over the rounds of the CPU that `other` spends on a request over that of `one`."""
    pairs = zip(samples[one], samples[other], strict=True)
    return median(second.cpu / first.cpu for first, second in pairs)


def failures(samples: Sequence[Sample]) -> int:
    """Return the requests that were not answered with 2xx."""
    return sum(sample.outcome.failures for sample in samples)


def _middle(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    return median(of(sample) for sample in samples)


def row(title: str, samples: Sequence[Sample]) -> dict[str, Any]:
    """Return one server's figures: medians over the rounds, peaks for memory, the sum for failures."""
    return {
        "title": title,
        "rate": _middle(samples, lambda sample: sample.outcome.rate),
        "p50": _middle(samples, lambda sample: sample.outcome.p50),
        "p99": _middle(samples, lambda sample: sample.outcome.p99),
        "cpu": _middle(samples, lambda sample: sample.cpu),
        "rss": max(sample.memory.rss for sample in samples),
        "pss": max(sample.memory.pss for sample in samples),
        "failures": failures(samples),
        "spread": [sample.spread for sample in samples],
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return `rows` as a text table."""
    head = (
        f"{'':<30}{'requests/s':>11}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8}{'RSS MiB':>9}{'PSS MiB':>9}{'non-2xx':>9}"
    )
    lines = [f"{head}  connections per worker, by round"]
    for one in rows:
        spread = " ".join("/".join(map(str, held)) for held in one["spread"])
        lines.append(
            f"{one['title']:<30}{one['rate']:>11,.0f}{one['p50']:>8.2f}{one['p99']:>8.1f}{one['cpu']:>8.3f}"
            f"{one['rss']:>9.0f}{one['pss']:>9.0f}{one['failures']:>9}  {spread}"
        )
    return "\n".join(lines)


def rows_of(contenders: Sequence[Contender], samples: dict[str, list[Sample]]) -> list[dict[str, Any]]:
    """Return a row for each contender."""
    return [row(contender.title, samples[contender.key]) for contender in contenders]


def ratios_of(samples: dict[str, list[Sample]]) -> list[dict[str, Any]]:
    """Return each ratio of `GET /protected` with its aim."""
    return [
        {
            "says": aim.says,
            "ratio": ratio(samples, "ostiary", aim.other),
            "cpu_ratio": cpu_ratio(samples, "ostiary", aim.other),
            "aim": aim.wanted,
        }
        for aim in AIMS
    ]


def login_ratio(title: str, logins: Sequence[LoginRound]) -> dict[str, Any]:
    """Return the logins of the contender with this title beside the raw hash rate."""
    of_hashes = median(one.logins.outcome.rate / one.hash_rate for one in logins)
    by_cpu = median(one.hash_cpu / one.logins.cpu for one in logins)
    return {"says": f"logins / raw argon2: {title}", "ratio": of_hashes, "cpu_ratio": by_cpu, "aim": LOGIN_AIM}


def ratio_line(one: dict[str, Any]) -> str:
    """Return one ratio as a line."""
    met = "reached" if one["ratio"] >= one["aim"] else "not reached"
    return (
        f"{one['says']:<42}{one['ratio']:>7.2f}   aim >= {one['aim']}   {met}   (by server CPU {one['cpu_ratio']:.2f})"
    )


def login_lines(logins: Sequence[LoginRound]) -> list[str]:
    """Return the logins' figures as lines."""
    told = row("", [one.logins for one in logins])
    hashes = median(one.hash_rate for one in logins)
    hash_cpu = median(one.hash_cpu for one in logins)
    latency = f"p50 {told['p50']:.0f} ms   p99 {told['p99']:.0f} ms"
    return [
        f"logins/s, 8 connections        {told['rate']:.1f}   {latency}   server CPU {told['cpu']:.1f} ms",
        f"raw argon2 verifications/s     {hashes:.1f}   CPU {hash_cpu:.1f} ms   one plain process, a thread per core",
        f"memory at the peak of logins   RSS {told['rss']:.0f} MiB   PSS {told['pss']:.0f} MiB",
    ]


def busy_line(one: BusyRound) -> str:
    """Return what logging in did to `GET /protected` as a line."""
    alone, busy = one.alone.outcome, one.busy.outcome
    return (
        f"GET /protected, {one.connections:>2} connection{'s' if one.connections > 1 else ' '}   "
        f"alone p50 {alone.p50:.2f} p99 {alone.p99:.1f} ms   "
        f"while 4 clients log in p50 {busy.p50:.2f} p99 {busy.p99:.1f} ms, {busy.rate:,.0f} requests/s "
        f"beside {one.logins:.1f} logins/s"
    )


def plain(samples: dict[str, list[Sample]]) -> dict[str, Any]:
    """Return the samples for JSON."""
    return {key: [asdict(sample) for sample in one] for key, one in samples.items()}
