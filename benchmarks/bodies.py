"""How much loop time the worst bodies of 64 KiB cost that anybody may send: `python -m benchmarks.bodies`.

Each shape is sent to `POST /login` through the real application, in process, and the processor time of the thread is
taken: the least of many rounds, since a busy machine only adds to it. The bound is 2 ms.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from werkzeug.test import create_environ, run_wsgi_app

from ostiary.app import make_flask, prepare
from ostiary.feature import Context
from ostiary.features import FEATURES
from ostiary.settings import Settings

SIZE = 65_536
BOUND = 2.0
ROUNDS = 30


def _filled(start: bytes, part: bytes, end: bytes = b"") -> bytes:
    """As many parts as fit between start and end."""
    return start + part * ((SIZE - len(start) - len(end)) // len(part)) + end


def _members(name: str, value: bytes, limit: int = SIZE) -> bytes:
    parts, size = [], 2
    while True:
        part = b'"%b":%b' % ((name % len(parts)).encode(), value)
        size += len(part) + 1
        if size > limit or len(parts) == 100_000:
            return b"{" + b",".join(parts) + b"}"
        parts.append(part)


def _text(value: bytes) -> bytes:
    return b'{"username":"' + value[: SIZE - 40] + b'","password":"x"}'


def _few_members(count: int) -> bytes:
    """Members that no schema knows, as many as are read, with names as long as fit."""
    length = SIZE // count - 8
    return json.dumps({f"{number:02}".ljust(length, "~"): 0 for number in range(count)}).encode()


SHAPES: dict[str, bytes] = {
    "good": b'{"username":"nobody","password":""}',
    "many members": _members("%05d", b"0"),
    "64 unknown members": b"{" + b",".join(b'"%02d":0' % number for number in range(64)) + b"}",
    "64 long names": _few_members(64),
    "duplicate members": _filled(b"{", b'"a":0,', b'"a":0}'),
    "many numbers": _filled(b"[", b"0,", b"0]"),
    "many strings": _filled(b"[", b'"",', b'""]'),
    "many literals": _filled(b"[", b"null,", b"null]"),
    "many arrays": _filled(b"[", b"[],", b"[]]"),
    "many objects": _filled(b"[", b"{},", b"{}]"),
    "many small objects": _filled(b"[", b'{"a":0},', b"{}]"),
    "arrays of arrays": _filled(b"[", b"[" + b"0," * 100 + b"0],", b"0]"),
    "never closed": b"[" * SIZE,
    "closings": b"]" * SIZE,
    "deep and shallow": _filled(b"[", b"[" * 30 + b"]" * 30 + b",", b"0]"),
    "objects in objects": _filled(b"", b'{"a":'),
    "white space": b" " * SIZE,
    "white space around": _filled(b"", b"\n", b'{"username":"a","password":"b"}'),
    "white space between": _filled(b'{"username":', b"\t", b'"a","password":"b"}'),
    "a long number": b"9" * SIZE,
    "a long fraction": b"0." + b"9" * (SIZE - 2),
    "long numbers": _filled(b"[", b"9" * 256 + b",", b"0]"),
    "long fractions": _filled(b"[", b"0." + b"9" * 250 + b"e-9,", b"0]"),
    "huge exponents": _filled(b"[", b"1e99999,", b"0]"),
    "minus signs": b"-" * SIZE,
    "escapes": _text(b"\\u0061" * (SIZE // 6)),
    "as many escapes as are read": _text(b"\\u0061" * 4096),
    "surrogates": _text(b"\\ud83d\\ude00" * 2048),
    "lone surrogates at the end": _text(b"\\u0061" * 4094 + b"\\ud800"),
    "quotes": b'"' * SIZE,
    "backslashes": b"\\" * SIZE,
    "a string that does not end": b'"' + b"a" * (SIZE - 1),
    "a long string": _text(b"a" * SIZE),
    "a long string outside ASCII": _text("é".encode() * (SIZE // 2)),
    "a long string of four bytes each": _text("\N{DOOR}".encode() * (SIZE // 4)),
    "outside ASCII with an escape": _text(b"\\u00e9" + "é".encode() * (SIZE // 2 - 30)),
    "a long name": b'{"' + b"/" * (SIZE - 6) + b'":0}',
    "a long name of tildes": b'{"' + b"~" * (SIZE - 6) + b'":0}',
    "not UTF-8 at the end": b'"' + b"a" * (SIZE - 3) + b"\xff",
    "colons": b":" * SIZE,
    "not JSON": b"a" * SIZE,
    "NUL": b"\0" * SIZE,
}


@contextmanager
def application() -> Iterator[Any]:
    """The application, in the production profile's manner: no look at the contract."""
    with tempfile.TemporaryDirectory() as directory:
        settings = prepare(Settings(data_dir=Path(directory), contract_checks="off", log_level="error"))
        services = Context(settings, FEATURES)
        app = make_flask(services)
        try:
            yield app
        finally:
            app.async_to_sync(services.stop)()


def cost(app: Any, body: bytes, rounds: int = ROUNDS) -> tuple[float, int]:
    """Return the milliseconds of the thread's processor time that a request costs, and its status."""
    best, status = float("inf"), 0
    for _ in range(rounds):
        environ = create_environ("/login", method="POST", content_type="application/json")
        environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        before = time.thread_time()
        status = int(run_wsgi_app(app, environ)[1][:3])
        best = min(best, time.thread_time() - before)
    return best * 1000, status


def main() -> int:
    """Print what each shape costs; fail if one costs more than the bound."""
    worst = 0.0
    with application() as app:
        cost(app, SHAPES["good"])
        for name, body in SHAPES.items():
            milliseconds, status = cost(app, body)
            worst = max(worst, milliseconds)
            print(f"{name:36} {len(body):6} bytes  {status}  {milliseconds:6.3f} ms")
    print(f"worst: {worst:.3f} ms; bound: {BOUND} ms")
    return int(worst > BOUND)


if __name__ == "__main__":
    raise SystemExit(main())
