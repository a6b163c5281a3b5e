"""Times of last use, kept in memory and written at intervals. So a request that only reads does not write."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import bindparam, or_, update
from sqlalchemy.orm import InstrumentedAttribute

from ostiary.core.clock import Clock
from ostiary.core.problems import Problem
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

WRITE_EVERY = 30.0
"""Seconds from the first noted use until all noted uses are written together."""


class LastUsedWriter:
    """Records when each row of a table was last used. row: the class; id_column, time_column: its attributes.

    An orderly stop writes all noted uses. If a worker is killed, the uses since the last write are lost.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        row: type[Any],
        id_column: InstrumentedAttribute[str],
        time_column: InstrumentedAttribute[datetime | None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()
        # Another worker may have written a later time.
        self._statement = (
            update(row)
            .where(id_column == bindparam("of"), or_(time_column.is_(None), time_column < bindparam("moment")))
            .values({time_column: bindparam("moment")})
            .execution_options(synchronize_session=False)
        )

    def note(self, row_id: str) -> None:
        """Note that the row is used now. Call it on the event loop."""
        self._noted[row_id] = self._clock.timestamp()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_EVERY, self._begin)

    def _begin(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._write_later())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_later(self) -> None:
        with contextlib.suppress(Problem):  # the database cannot be reached, which has been logged
            await self.write()

    async def write(self) -> None:
        """Write the noted uses. Raises the problem `database_unavailable` and then keeps them."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        rows = [
            {"of": row_id, "moment": datetime.fromtimestamp(moment, UTC)} for row_id, moment in sorted(noted.items())
        ]
        try:
            await self._database.write(self._update_rows, rows)
        except Problem:
            self._noted = noted | self._noted
            raise

    async def _update_rows(self, tx: Transaction, rows: list[dict[str, Any]]) -> None:
        connection = await tx.session.connection()
        await connection.execute(self._statement, rows)

    async def stop(self) -> None:
        """Write the noted uses if the database can be reached."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing:
            await asyncio.wait(self._writing)
        await self._write_later()
