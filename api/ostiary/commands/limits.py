"""`ostiary limits`: every limit on what a client may send, hold or wait for, from the constants that the code uses."""

from dataclasses import dataclass, fields
from typing import Any

import click

from ostiary.core.problems import MAX_ERRORS
from ostiary.core.proxies import MAX_FORWARDED_FOR
from ostiary.core.refusals import MAX_DELAY_SECONDS, REFUSALS_PER_SECOND
from ostiary.environment import PREFIX
from ostiary.features.operations.service import READY_SECONDS
from ostiary.persistence.postgres_connections import LOCK_SECONDS
from ostiary.persistence.silence import PROBE_SECONDS, SLOW_SECONDS
from ostiary.server.http import limits as http
from ostiary.server.options import Process
from ostiary.server.paths import MAX_PATH
from ostiary.server.slots import PAUSES
from ostiary.server.worker import KILL_SECONDS
from ostiary.settings import Settings
from ostiary.web import json_shape, urlencoded


@dataclass(frozen=True)
class Bound:
    """One limit. value: with its unit, or the name of its setting. beyond: what happens beyond the limit."""

    what: str
    value: str
    beyond: str


def _bytes(number: int) -> str:
    for size, unit in ((1_048_576, "MiB"), (1024, "KiB")):
        if number % size == 0:
            return f"{number // size} {unit}"
    return f"{number:,} bytes"


def _seconds(number: float) -> str:
    return f"{number:g} s"


def _setting(name: str, unit: str = "") -> str:
    (field,) = [one for one in fields(Settings) if one.name == name]
    default: Any = field.default
    shown = _bytes(default) if unit == "bytes" else f"{default:,}{f' {unit}' if unit else ''}"
    return f"`{PREFIX}{name.upper()}`, {shown}"


def _connections() -> list[Bound]:
    closes = "the connection that has waited longest for its client is closed; at most one log line per minute"
    return [
        Bound("Connections per worker", _setting("max_connections") + " (from the limit of open files)", closes),
        Bound(
            "Connections per worker from one address",
            _setting("max_connections_per_address") + " (half of all); trusted proxies have no limit",
            closes,
        ),
        Bound("Time for which an idle connection is kept", _setting("keep_alive_seconds", "s"), "closed"),
        Bound(
            "Time in which a client must read " + _bytes(http.MIN_WRITE_BYTES) + " of a waiting answer",
            _seconds(http.WRITE_SECONDS),
            "closed",
        ),
        Bound(
            "Bytes sent ahead (pipelined) while a request runs",
            _bytes(http.MAX_PIPELINED_BYTES),
            "read after the answer",
        ),
        Bound(
            "Requests sent ahead and served without a pause",
            f"{http.MAX_PIPELINED_AT_ONCE}",
            f"{1 / http.PIPELINE_PAUSE_SECONDS:.0f} per second from then on",
        ),
        Bound(
            "Time for which the rest of a request is read after the last answer",
            _seconds(http.LINGER_SECONDS),
            "closed",
        ),
    ]


def _requests() -> list[Bound]:
    return [
        Bound("Request line and header fields", _bytes(http.MAX_HEAD_BYTES), "431 `headers_too_large`"),
        Bound("Path and query", _bytes(http.MAX_TARGET_BYTES), "414 `target_too_long`"),
        Bound("Number of header fields", f"{http.MAX_FIELDS}", "431 `headers_too_large`"),
        Bound("Time to send request line and header fields", _seconds(http.HEAD_SECONDS), "408 `request_timeout`"),
        Bound("Time to send the body", _seconds(http.BODY_SECONDS), "408 `request_timeout`"),
        Bound("Body", _setting("max_body_bytes", "bytes"), "413 `body_too_large`"),
        Bound(
            "Bytes of a refused body that are read and dropped",
            _bytes(http.MAX_UNREAD_BODY_BYTES),
            "the connection is closed",
        ),
        Bound("Chunks of a body", f"{http.MAX_CHUNKS:,}", "413 `body_too_large`"),
        Bound("Size and extension lines of all chunks", _bytes(http.MAX_CHUNK_LINE_BYTES), "413 `body_too_large`"),
        Bound("Trailer fields (they are dropped)", _bytes(http.MAX_TRAILER_BYTES), "431 `headers_too_large`"),
        Bound("Number of trailer fields", f"{http.MAX_FIELDS}", "431 `headers_too_large`"),
    ]


def _contents() -> list[Bound]:
    malformed, query = "400 `malformed_json`", "422 `invalid_query`"
    return [
        Bound("Members of a JSON object", f"{json_shape.MAX_MEMBERS}", malformed),
        Bound("Items of a JSON array", f"{json_shape.MAX_ITEMS}", malformed),
        Bound("Strings and structural characters of a JSON body", f"{json_shape.MAX_VALUES}", malformed),
        Bound("Nesting levels of a JSON body", f"{json_shape.MAX_DEPTH}", malformed),
        Bound("Characters of a JSON number", f"{json_shape.MAX_NUMBER}", malformed),
        Bound("Escape sequences in a JSON body", f"{json_shape.MAX_ESCAPES:,}", malformed),
        Bound("Parameters of a query", f"{urlencoded.MAX_PARAMETERS}", query),
        Bound("Parameters of a form", f"{urlencoded.MAX_PARAMETERS}", "400 `invalid_request`"),
        Bound("Path", _bytes(MAX_PATH), "404 `not_found`"),
        Bound("`X-Forwarded-For` of a trusted proxy", _bytes(MAX_FORWARDED_FOR), "only the end is read"),
        Bound("Errors listed in an answer", f"{MAX_ERRORS}", "further errors are only counted"),
    ]


def _work() -> list[Bound]:
    overloaded, unavailable = "503 `overloaded`", "503 `database_unavailable`"
    return [
        Bound("Time that a password waits to be hashed", _setting("hash_wait_seconds", "s"), overloaded),
        Bound("Passwords that wait in a worker", _setting("hash_queue"), overloaded),
        Bound(
            "Requests that a worker refuses at once",
            f"{REFUSALS_PER_SECOND} per second",
            f"refused up to {_seconds(MAX_DELAY_SECONDS)} later",
        ),
        Bound(
            "Time to wait for a database connection, a lock or an answer",
            _setting("database_timeout", "s"),
            unavailable,
        ),
        Bound("Time to wait for a lock on PostgreSQL", _seconds(LOCK_SECONDS), unavailable),
        Bound(
            "Time without any answer from PostgreSQL", _seconds(SLOW_SECONDS + PROBE_SECONDS), unavailable + " at once"
        ),
        Bound("Time for `GET /readyz`", _seconds(READY_SECONDS), unavailable),
    ]


def _stopping() -> list[Bound]:
    return [
        Bound(
            "Time without a heartbeat from a worker",
            _seconds(Process.heartbeat_seconds),
            "its stack is logged, and it is killed and replaced",
        ),
        Bound("Longest pause before a dead worker is replaced", _seconds(PAUSES[-1]), "-"),
        Bound("Time for a half-sent request when the server stops", _seconds(http.HALF_SENT_SECONDS), "408"),
        Bound(
            "Time for a request in flight when the server stops",
            _setting("drain_seconds", "s"),
            "503 `service_stopping`",
        ),
        Bound("Time for everything that still runs afterwards", _seconds(KILL_SECONDS), "killed"),
    ]


SECTIONS = (
    ("Connections", _connections),
    ("Requests", _requests),
    ("Contents", _contents),
    ("Passwords and the database", _work),
    ("Processes", _stopping),
)


def table() -> str:
    """Return all limits as Markdown, as in docs/limits.md."""
    lines: list[str] = []
    for title, bounds in SECTIONS:
        lines += [f"## {title}", "", "| what | limit | beyond it |", "| --- | --- | --- |"]
        lines += [f"| {one.what} | {one.value} | {one.beyond} |" for one in bounds()]
        lines.append("")
    return "\n".join(lines)


@click.command("limits")
def limits() -> None:
    """Print every limit on what a client may send, hold or wait for, as Markdown."""
    click.echo(table(), nl=False)
