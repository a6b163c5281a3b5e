"""Handle standard streams that are closed or cannot be written, because of service managers or full disks."""

import os
import sys
from contextlib import suppress


def _fill() -> frozenset[int]:
    """Open the null device for each closed standard descriptor; return the descriptors that were closed.

    Otherwise the next file or socket would get the number, and printed text would be written to it.
    """
    closed = set()
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            closed.add(number)
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            os.set_inheritable(number, True)
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if number in closed:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    return frozenset(closed)


CLOSED = _fill()
"""The standard descriptors that were closed on import. Import this module before anything is opened."""


def discard_output() -> None:
    """Discard all printed text from now on. Standard output has failed and would fail again at the exit."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
