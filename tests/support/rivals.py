"""Other workers on the database of an application under test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ostiary.feature import Context
from ostiary.features import FEATURES
from tests.conftest import App


@asynccontextmanager
async def rivals_of(app: App, count: int) -> AsyncIterator[list[Context]]:
    """The services of `count` other workers, with connections and memories of their own, stopped in the end."""
    rivals = [Context(app.settings, FEATURES, clock=app.clock) for _ in range(count)]
    try:
        yield rivals
    finally:
        for rival in rivals:
            await rival.stop()
