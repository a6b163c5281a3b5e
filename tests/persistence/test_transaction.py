"""What a unit of work can do in its transaction, and what mypy refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from ostiary.core.request_info import SERVER
from ostiary.features.accounts.events import USER_REGISTERED
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import ids, insert, run

ROOT = Path(__file__).parents[2]
TYPE_CHECKS = Path(__file__).parent / "type_checks"


def test_work_gets_the_arguments_of_write(database_url: str) -> None:
    async def scenario(database: Database) -> list[int]:
        async def add(tx: Transaction, *numbers: int, text: str) -> int:
            for number in numbers:
                await insert(number, text)(tx)
            return len(numbers)

        assert await database.write(add, 1, 2, text="a note") == 2
        return await ids(database)

    assert run(database_url, scenario) == [1, 2]


def test_steps_run_before_and_after_the_commit_in_order(database_url: str) -> None:
    async def scenario(database: Database) -> list[str]:
        steps: list[str] = []

        async def last(tx: Transaction) -> None:
            await insert(2)(tx)
            steps.append("before")

        async def work(tx: Transaction) -> None:
            tx.after_commit(lambda: steps.append("after"))
            tx.after_commit(lambda: steps.append("after that"))
            tx.before_commit(last)
            await insert(1)(tx)
            steps.append("work")

        await database.write(work)
        assert await ids(database) == [1, 2]
        return steps

    assert run(database_url, scenario) == ["work", "before", "after", "after that"]


def test_no_step_runs_after_a_rollback(database_url: str) -> None:
    async def scenario(database: Database) -> list[str]:
        steps: list[str] = []

        async def work(tx: Transaction) -> None:
            tx.after_commit(lambda: steps.append("after"))
            tx.before_commit(insert(1))
            await insert(1)(tx)

        with pytest.raises(IntegrityError):  # of the step before the commit
            await database.write(work)
        assert await ids(database) == []
        return steps

    assert run(database_url, scenario) == []


def test_a_failed_savepoint_undoes_its_statements_and_its_steps(database_url: str) -> None:
    async def scenario(database: Database) -> list[str]:
        steps: list[str] = []

        async def work(tx: Transaction) -> None:
            tx.before_commit(insert(1))
            tx.after_commit(lambda: steps.append("kept"))
            with pytest.raises(LookupError):
                await fail(tx)

        async def fail(tx: Transaction) -> None:
            async with tx.savepoint():
                tx.before_commit(insert(2))
                tx.after_commit(lambda: steps.append("undone"))
                await insert(3)(tx)
                raise LookupError

        await database.write(work)
        assert await ids(database) == [1]
        return steps

    assert run(database_url, scenario) == ["kept"]


def test_steps_after_a_deferred_commit_wait_for_it(database_url: str) -> None:
    async def scenario(database: Database) -> list[str]:
        steps: list[str] = []

        async def work(tx: Transaction, number: int) -> None:
            tx.after_commit(lambda: steps.append(f"after {number}"))
            await insert(number)(tx)

        deferred = database.defer_commit()
        with deferred.in_force():
            await database.write(work, 1)
            with pytest.raises(IntegrityError):
                await database.write(work, 1)
            await database.write(work, 2)
        assert steps == []
        await deferred.commit(insert(3))
        return steps

    assert run(database_url, scenario) == ["after 1", "after 2"]


def test_a_database_without_an_audit_trail_records_nothing(sqlite_url: str) -> None:
    async def scenario(database: Database) -> None:
        async def work(tx: Transaction) -> None:
            tx.record(USER_REGISTERED, SERVER, user_id=None)

        with pytest.raises(RuntimeError, match="no audit trail"):
            await database.write(work)

    run(sqlite_url, scenario)


@pytest.mark.uncounted
def test_mypy_refuses_a_revocation_outside_a_revoking_transaction() -> None:
    """`accepted.py` type-checks; in `refused.py` exactly the lines with the comment `# refused` do not."""
    accepted, refused = TYPE_CHECKS / "accepted.py", TYPE_CHECKS / "refused.py"
    files = [str(file.relative_to(ROOT)) for file in (accepted, refused)]
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", *files]
    checked = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "MYPYPATH": "api"}, capture_output=True, text=True, check=False
    )
    marked = [n for n, line in enumerate(refused.read_text().splitlines(), 1) if line.endswith("# refused")]
    errors = [line.split(":") for line in checked.stdout.splitlines() if ": error:" in line]
    assert [(name, int(number)) for name, number, *_ in errors] == [(files[1], number) for number in marked], (
        checked.stdout + checked.stderr
    )
