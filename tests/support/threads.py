"""Threads that a test must not leave behind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_new_thread() -> Iterator[None]:
    """Fail if the block leaves a thread that was not there before; those of other tests may end meanwhile."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
