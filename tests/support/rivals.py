"""Other workers on the database of an application under test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ostiary.services import Services, make_services
from tests.conftest import App


@asynccontextmanager
async def rivals_of(app: App, count: int) -> AsyncIterator[list[Services]]:
    """The services of `count` other workers, with connections and memories of their own, stopped in the end."""
    rivals = [make_services(app.settings, clock=app.clock) for _ in range(count)]
    try:
        yield rivals
    finally:
        for rival in rivals:
            await rival.stop()
