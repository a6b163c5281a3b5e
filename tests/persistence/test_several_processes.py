"""Several processes on one database: no write is lost, none is refused for want of a lock."""

import signal

import pytest

from tests.persistence.conftest import ids, run
from tests.persistence.processes import outputs, started

pytestmark = pytest.mark.uncounted  # the processes do what other tests do in one


def test_two_processes_write_64_rows_each_at_once(database_url: str) -> None:
    async def nothing(_: object) -> None: ...

    run(database_url, nothing)
    assert outputs("write-many", database_url, [0, 1000]) == ["", ""]
    assert run(database_url, ids) == [*range(64), *range(1000, 1064)]


def test_what_was_acknowledged_outlives_a_killed_process(database_url: str) -> None:
    async def nothing(_: object) -> None: ...

    run(database_url, nothing)
    with started("write-on", database_url, [0]) as (process,):
        assert process.stdout is not None
        for _ in range(10):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
    acknowledged = max([acknowledged, *map(int, rest)])
    assert acknowledged >= 39
    found = run(database_url, ids)
    assert found[: acknowledged + 1] == list(range(acknowledged + 1))


def test_eight_processes_that_start_together_migrate_once(empty_database_url: str, newest_revisions: list[str]) -> None:
    told = outputs("migrate", empty_database_url, [0] * 8)
    assert sorted(told) == sorted([",".join(newest_revisions), *["nothing"] * 7])
