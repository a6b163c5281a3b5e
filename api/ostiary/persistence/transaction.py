"""A unit of work under way: statements, audit events, and what happens before and after its commit."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.events import EventType, Outcome
from ostiary.core.request_info import RequestInfo

_REVOCATIONS, _AUDIT_CHAIN = 7095478, 7095479
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(:key)")

BeforeCommit = Callable[["Transaction"], Awaitable[None]]
AfterCommit = Callable[[], None]


class Recorder(Protocol):
    """Writes audit events. The audit feature implements it; this package does not know that feature."""

    def record(
        self,
        tx: "Transaction",
        kind: EventType,
        info: RequestInfo,
        *,
        user_id: str | None,
        actor_id: str | None = None,
        outcome: Outcome = "success",
        **details: Any,
    ) -> None:
        """Add an event to the transaction; see `Transaction.record`."""
        ...


@dataclass
class TransactionState:
    """The state of one transaction, for `Database`, which begins and commits it.

    recorder: None in a database without an audit trail.
    """

    session: AsyncSession
    recorder: Recorder | None
    is_sqlite: bool
    before_commit: list[BeforeCommit] = field(default_factory=list)
    after_commit: list[AfterCommit] = field(default_factory=list)


class Transaction:
    """What `Database.write` passes to a unit of work. It is valid until that work returns."""

    def __init__(self, state: TransactionState) -> None:
        self._state = state
        self.session = state.session
        """Executes statements."""

    def record(
        self,
        kind: EventType,
        info: RequestInfo,
        *,
        user_id: str | None,
        actor_id: str | None = None,
        outcome: Outcome = "success",
        **details: Any,
    ) -> None:
        """Add an event to the audit trail, which is written just before the commit.

        user_id: the user that the event is about. actor_id: the user who caused it. None means the same user, and
        NO_USER means that no user caused it.
        Raises TypeError if `details` are not exactly those that the type declares.
        """
        if self._state.recorder is None:
            raise RuntimeError("this database has no audit trail")
        self._state.recorder.record(self, kind, info, user_id=user_id, actor_id=actor_id, outcome=outcome, **details)

    def before_commit(self, work: BeforeCommit) -> None:
        """Run `work` as the last step of the transaction, in the order of these calls. An exception rolls back all."""
        self._state.before_commit.append(work)

    def after_commit(self, work: AfterCommit) -> None:
        """Call `work` once the transaction is committed, in the order of these calls; never if it is rolled back."""
        self._state.after_commit.append(work)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """If the block raises, undo its statements, and forget the work that it added before and after the commit."""
        before, after = self._state.before_commit, self._state.after_commit
        kept_before, kept_after = len(before), len(after)
        try:
            async with self.session.begin_nested():
                yield
        except BaseException:
            del before[kept_before:], after[kept_after:]
            raise

    async def lock_revocations(self, *, shared: bool = False) -> None:
        """Lock the revocation feed until this transaction ends. SQLite needs no lock: it has one writer at a time.

        Entries that the holder inserts get higher numbers than all committed entries. To rule out deadlocks, take this
        lock before all others, and the lock of the audit chain after all others. shared: several transactions can hold
        the lock at the same time. A transaction that holds the shared lock must not take the exclusive one.
        """
        await self._lock(_REVOCATIONS, shared=shared)

    async def lock_audit_chain(self) -> None:
        """Lock the chain of audit events until this transaction ends; take it last (see `lock_revocations`)."""
        await self._lock(_AUDIT_CHAIN, shared=False)

    async def _lock(self, key: int, *, shared: bool) -> None:
        if not self._state.is_sqlite:
            await self.session.execute(_LOCK_SHARED if shared else _LOCK, {"key": key})
