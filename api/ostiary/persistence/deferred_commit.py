"""A transaction that delays its commit, so that data known only at the end can be written in it."""

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
    """Collects all writes in one transaction while it is in force. The transaction begins with the first write.

    transact: runs a unit of work in a transaction of its own. again: runs a step in a savepoint, and retries it if that
    may help. Always call `commit` or `roll_back` at the end. Until then the transaction stays open, and on SQLite every
    other writer waits for it.
    """

    def __init__(self, transact: Transact, again: Again) -> None:
        self._transact = transact
        self._again = again
        self._steps: asyncio.Queue[tuple[Work, asyncio.Future[Any]] | None] = asyncio.Queue()
        self._last: Work | None = None
        self._task: asyncio.Task[Any] | None = None

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Make `Database.write` in this context write to this transaction."""
        token = _IN_FORCE.set(self)
        try:
            yield
        finally:
            _IN_FORCE.reset(token)

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` and return its result. An exception undoes only this work and is raised again."""
        if self._task is None:
            self._task = self._transact(self._serve)
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._steps.put_nowait((work, told))
        await asyncio.wait({told, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            self._task.result()  # the transaction could not begin
        return told.result()

    async def commit(self, last: Work) -> None:
        """Run `last` and commit everything. If `last` raises, roll everything back and raise the exception."""
        if self._task is None:
            self._task = self._transact(last)
        else:
            self._last = last
            self._steps.put_nowait(None)
        await asyncio.shield(self._task)

    async def roll_back(self) -> None:
        """Undo all writes."""
        if self._task is not None:
            self._last = _roll_back
            self._steps.put_nowait(None)
            await asyncio.wait({self._task})

    async def _serve(self, tx: Transaction) -> None:
        while (step := await self._steps.get()) is not None:
            work, told = step
            try:
                result = await self._again(tx, work)
            except Exception as error:  # noqa: BLE001 - the caller of `write` gets the exception
                told.set_exception(error)
                told.exception()  # marks it as retrieved, in case nobody waits any more
            else:
                told.set_result(result)
        if self._last is not None:
            await self._again(tx, self._last)


async def _roll_back(_tx: Transaction) -> None:
    raise _RolledBack


_IN_FORCE: ContextVar[DeferredCommit | None] = ContextVar("held_commit", default=None)


def deferred_commit() -> DeferredCommit | None:
    """Return the deferred commit that is in force in this context, if any."""
    return _IN_FORCE.get()
