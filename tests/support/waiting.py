"""Wait for something that another process or thread is about to do."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], timeout: float = 20) -> T:
    """Ask again and again until the answer is true; return it."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} s"
        time.sleep(0.02)
    return answer


async def eventually(condition: Callable[[], T], timeout: float = 20) -> T:
    """Do the same on an event loop, which goes on meanwhile."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} s"
        await asyncio.sleep(0.02)
    return answer
