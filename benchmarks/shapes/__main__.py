"""`python -m benchmarks.shapes URL`: raw HTTP shapes against a running Ostiary, right and wrong answers counted.

The server must trust nobody's X-Forwarded-* for the table; it may hold any data, and gets a few users.
"""

import argparse
import asyncio
import json
import sys

from benchmarks import programs
from benchmarks.shapes import framing, heads
from benchmarks.shapes.judging import Session, Verdict, judge_all

SHAPES = (*framing.SHAPES, *heads.SHAPES)


def run(url: str, quick: bool) -> list[Verdict]:
    """Send every shape to the server at `url`, those that take long only unless `quick`; return what came of each."""
    chosen = [shape for shape in SHAPES if not (quick and shape.kind == "amounts and time" and shape.rfc == "CWE-400")]
    return asyncio.run(judge_all(url, Session.begin(url), chosen))


def main() -> int:
    """Run, and return the exit code: 0 when every answer is right."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shapes", description=__doc__)
    parser.add_argument("url", help="where Ostiary listens: http://127.0.0.1:8000")
    parser.add_argument("--quick", action="store_true", help="leave out the slow clients, which take 75 seconds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    try:
        verdicts = run(arguments.url.rstrip("/"), arguments.quick)
    except (programs.Failed, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps([vars(verdict) for verdict in verdicts]))
    else:
        for verdict in verdicts:
            print(verdict.line())
        print(f"\n{sum(one.right for one in verdicts)} of {len(verdicts)} right")
    return 0 if all(verdict.right for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
