"""A transaction that waits before it commits, so that what is known only later can be written along with it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from ostiary.persistence.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[Any]]
Again = Callable[[Transaction, Work], Awaitable[Any]]
Transact = Callable[[Work], "asyncio.Task[Any]"]


class _RolledBack(Exception):
    pass


class DeferredCommit:
    """Collects all writes while it is in force in one transaction, which begins with the first of them.

    transact: runs a unit of work in a transaction of its own. again: runs a step in a savepoint, and once more where
    that may help. Call `commit` or `roll_back` in the end, whatever happens: until then the transaction stays open, and
    on SQLite it keeps every other writer waiting.
    """

    def __init__(self, transact: Transact, again: Again) -> None:
        self._transact = transact
        self._again = again
        self._steps: asyncio.Queue[tuple[Work, asyncio.Future[Any]] | None] = asyncio.Queue()
        self._last: Work | None = None
        self._task: asyncio.Task[Any] | None = None

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Let `Database.write` of this context write here."""
        token = _IN_FORCE.set(self)
        try:
            yield
        finally:
            _IN_FORCE.reset(token)

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` and return its result; an exception undoes this work alone and comes through."""
        if self._task is None:
            self._task = self._transact(self._serve)
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._steps.put_nowait((work, told))
        await asyncio.wait({told, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            self._task.result()  # it could not even begin
        return told.result()

    async def commit(self, last: Work) -> None:
        """Run `last` and commit all; if it raises, all is rolled back and the exception comes through."""
        if self._task is None:
            self._task = self._transact(last)
        else:
            self._last = last
            self._steps.put_nowait(None)
        await asyncio.shield(self._task)

    async def roll_back(self) -> None:
        """Undo all that was written."""
        if self._task is not None:
            self._last = _roll_back
            self._steps.put_nowait(None)
            await asyncio.wait({self._task})

    async def _serve(self, tx: Transaction) -> None:
        while (step := await self._steps.get()) is not None:
            work, told = step
            try:
                result = await self._again(tx, work)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is for the one who waits
                told.set_exception(error)
                told.exception()  # looked at, should nobody wait any more
            else:
                told.set_result(result)
        if self._last is not None:
            await self._again(tx, self._last)


async def _roll_back(_tx: Transaction) -> None:
    raise _RolledBack


_IN_FORCE: ContextVar[DeferredCommit | None] = ContextVar("held_commit", default=None)


def deferred_commit() -> DeferredCommit | None:
    """Return the one that is in force here, if any."""
    return _IN_FORCE.get()
