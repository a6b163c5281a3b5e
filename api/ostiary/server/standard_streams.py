"""Standard streams that are closed or cannot be written, as service managers and full disks leave them."""

import os
import sys
from contextlib import suppress


def _fill() -> frozenset[int]:
    """Open the null device in place of each standard descriptor that is closed; return which were.

    Else the next file or socket would get its number, and what is printed would go into that.
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
"""The standard descriptors that were closed when this module was imported, which is to be before anything opens."""


def discard_output() -> None:
    """Let what is printed go nowhere from now on: standard output has refused it, and would again at the exit."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
