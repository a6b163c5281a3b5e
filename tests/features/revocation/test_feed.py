"""The feed as workers follow it: at once, from the beginning, and never open when it cannot be followed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import delete, make_url, select, text
from structlog.testing import capture_logs

from ostiary.core.principal import Principal
from ostiary.core.problems import Problem
from ostiary.core.randomness import SystemRandomness
from ostiary.features.audit.service import Audit
from ostiary.features.revocation import following, on_postgres, on_sqlite
from ostiary.features.revocation.cleanup import RevocationCleanup
from ostiary.features.revocation.models import RevocationRow
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.persistence.database import Database
from tests.support.clock import FakeClock
from tests.support.databases import run_on_server
from tests.support.settings import SECRET
from tests.support.waiting import eventually

LIFETIME = 900
Scenario = Callable[[Callable[..., Revocations]], Awaitable[None]]


def bearer(session_id: str | None = None) -> Principal:
    new_id = SystemRandomness().new_id
    moment = FakeClock().now()
    return Principal(new_id(), session_id or new_id(), frozenset(), frozenset(), moment, moment, kid=new_id())


def workers(url: str, scenario: Scenario, clock: FakeClock | None = None) -> None:
    """Run `scenario` with a function that makes workers, each with connections of its own."""
    the_clock = clock or FakeClock()

    async def within() -> None:
        made: list[tuple[Database, Revocations]] = []

        def worker(*, strict: bool = False) -> Revocations:
            database = Database(url, 5, 10, recorder=Audit(SECRET, the_clock, SystemRandomness()))
            revocations = Revocations(database, the_clock, SystemRandomness(), lifetime=LIFETIME, strict=strict)
            made.append((database, revocations))
            return revocations

        try:
            await scenario(worker)
        finally:
            for database, revocations in made:
                await revocations.stop()
                await database.close()

    asyncio.run(within())


async def two(worker: Callable[..., Revocations]) -> tuple[Revocations, Revocations]:
    """Make two workers that follow the feed."""
    made = worker(), worker()
    for one in made:
        await one.start()
    return made


async def position(worker: Revocations) -> int:
    """Return the feed's position, as of which a token would be issued now."""
    async with worker._database.read() as session:
        return int(await session.scalar(select(worker.position())) or 0)


async def revoke(worker: Revocations, kind: Any, *subjects: str) -> None:
    async def add(tx: RevokingTransaction) -> None:
        await tx._add(kind, *subjects)

    await worker.write(add)


def test_every_worker_knows_when_the_write_returns(database_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        for number in range(30):
            somebody = bearer()
            assert here.allows_now(somebody) is True
            assert there.allows_now(somebody) is True
            await revoke(here if number % 2 else there, "session", somebody.session_id)
            assert here.allows_now(somebody) is False
            assert there.allows_now(somebody) is False

    workers(database_url, scenario)


def test_a_worker_that_starts_later_reads_what_there_was(database_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        somebody = bearer()
        await revoke(worker(), "session", *[bearer().session_id or "" for _ in range(3 * following.AT_ONCE)])
        await revoke(worker(), "session", somebody.session_id)
        late = worker()
        await late.start()
        assert late.allows_now(somebody) is False
        assert late.allows_now(bearer()) is True

    workers(database_url, scenario)


def test_a_long_feed_is_read_in_pieces_and_the_database_asked_meanwhile(sqlite_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = worker(), worker()
        await there.start()
        somebody = bearer()
        subjects = [bearer().session_id or "" for _ in range(2 * following.AT_ONCE)]
        await revoke(here, "session", *subjects, somebody.session_id or "")
        assert there.allows_now(somebody) is None  # a piece was read, the rest is read between requests
        assert await there.allows(somebody) is False
        for _ in range(100):
            await asyncio.sleep(0)
        assert there.allows_now(somebody) is False

    workers(sqlite_url, scenario)


def reads(worker: Revocations, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each look of `worker` into the feed is added."""
    follower = worker._follower
    assert isinstance(follower, on_sqlite.SqliteFollower)
    reader = follower._reader
    read = reader.rows
    noted: list[str] = []

    def noting(statement: str, parameters: Any = ()) -> list[Any]:
        if statement == on_sqlite._NEWER:
            noted.append(statement)
        return read(statement, parameters)

    monkeypatch.setattr(reader, "rows", noting)
    return noted


def feed_file(url: str) -> Path:
    return Path(f"{make_url(url).database}{on_sqlite.FEED}")


def test_nothing_is_read_while_nothing_is_revoked(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        noted = reads(there, monkeypatch)
        for _ in range(2):
            somebody = bearer()
            assert there.allows_now(somebody) is True
            assert len(noted) == 1
            assert {there.allows_now(bearer()) for _ in range(100)} == {True}
            await here._database.write(lambda tx: tx.session.execute(text("DELETE FROM sessions")))
            assert there.allows_now(somebody) is True
            assert len(noted) == 1
            await revoke(here, "session", somebody.session_id)
            noted.clear()
            assert there.allows_now(somebody) is False

    workers(sqlite_url, scenario)


def test_what_was_announced_and_never_committed_makes_workers_look_until_the_next(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        noted = reads(there, monkeypatch)
        somebody = bearer()

        async def killed_before_the_commit(tx: RevokingTransaction) -> None:
            await tx.revoke_session(somebody.session_id or "")
            raise LookupError

        with pytest.raises(LookupError):
            await here.write(killed_before_the_commit)
        assert {there.allows_now(somebody) for _ in range(5)} == {True}
        assert len(noted) == 5
        await revoke(here, "session", somebody.session_id)  # at the position that was announced before
        assert there.allows_now(somebody) is False
        noted.clear()
        assert there.allows_now(somebody) is False
        assert noted == []

        with pytest.raises(LookupError):
            await here.write(killed_before_the_commit)
        await worker().start()  # puts it right
        assert there.allows_now(bearer()) is True
        assert noted == []

    workers(sqlite_url, scenario)


def test_a_worker_that_starts_after_entries_were_deleted_has_the_position_of_the_others(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, late = worker(), worker()
        await revoke(here, "session", "one", "two")
        await here._database.write(lambda tx: tx.session.execute(delete(RevocationRow)))
        await late.start()
        for one in (here, late):
            assert one.allows_now(bearer()) is True  # the first look
            noted = reads(one, monkeypatch)
            assert one.allows_now(bearer()) is True
            assert noted == []

    workers(sqlite_url, scenario)


@pytest.mark.parametrize("fate", ["deleted", "cut short", "replaced"])
def test_without_the_file_of_the_announced_position_a_worker_looks_now_and_then(
    fate: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_sqlite, "LOOK_ANYWAY", 0.05)

    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        somebody = bearer()
        assert there.allows_now(somebody) is True
        file = feed_file(sqlite_url)
        if fate == "cut short":
            file.write_bytes(b"")
        else:
            file.unlink()
            if fate == "replaced":
                file.write_bytes(bytes(8))
        await revoke(here, "session", somebody.session_id)
        await eventually(lambda: there.allows_now(somebody) is False)
        noted = reads(there, monkeypatch)
        another = bearer()
        assert there.allows_now(another) is True
        await revoke(here, "session", another.session_id)
        assert there.allows_now(another) is False
        assert noted

    workers(sqlite_url, scenario)


def put_folder_in_place_of(file: Path) -> None:
    """Make `file` a folder, however often a worker that looks for it makes it anew in between."""
    while not file.is_dir():
        file.unlink(missing_ok=True)
        with suppress(FileExistsError):
            file.mkdir()


def test_a_revocation_that_cannot_be_announced_is_refused(sqlite_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        file = feed_file(sqlite_url)
        put_folder_in_place_of(file)
        somebody = bearer()
        with pytest.raises(Problem) as refused:
            await revoke(here, "session", somebody.session_id)
        assert refused.value.kind.code == "database_unavailable"
        for one in (here, there):
            assert await one.allows(somebody) is True
        await worker().start()  # works, and looks each time
        file.rmdir()
        await revoke(here, "session", somebody.session_id)
        assert there.allows_now(somebody) is False

    workers(sqlite_url, scenario)


def test_a_strict_worker_asks_the_database_each_time(database_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, strict = worker(), worker(strict=True)
        await strict.start()
        cases: list[tuple[Any, Callable[[Principal], str]]] = [
            ("session", lambda one: one.session_id or ""),
            ("key", lambda one: one.kid or ""),
            ("user", lambda one: one.user_id),
        ]
        for kind, subject in cases:
            somebody = bearer()
            assert strict.allows_now(somebody) is None
            assert await strict.allows(somebody) is True
            await revoke(here, kind, subject(somebody))
            assert await strict.allows(somebody) is False
        later = replace(somebody, position=await position(strict))
        assert await strict.allows(later) is True
        await here.revoke_everyone()
        assert await strict.allows(bearer()) is False

    workers(database_url, scenario)


def test_a_transaction_that_fails_revokes_nothing(database_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here = worker()
        await here.start()
        somebody = bearer()

        async def fail(tx: RevokingTransaction) -> None:
            await tx.revoke_session(somebody.session_id or "")
            raise LookupError

        with pytest.raises(LookupError):
            await here.write(fail)
        assert await here.allows(somebody) is True

    workers(database_url, scenario)


def test_parallel_writers_lose_no_entry(database_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        several = [worker() for _ in range(3)]
        for one in several:
            await one.start()
        people = [bearer() for _ in range(60)]
        await asyncio.gather(
            *(revoke(several[number % 3], "session", one.session_id) for number, one in enumerate(people))
        )
        assert {await one.allows(somebody) for one in several for somebody in people} == {False}

    workers(database_url, scenario)


def test_those_who_listen_to_a_kind_are_called(database_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = worker(), worker()
        heard: list[str] = []
        there.on("key", heard.append)
        await here.start()
        await there.start()
        await revoke(here, "key", "a key")
        there.allows_now(bearer())
        assert heard == ["a key"]

    workers(database_url, scenario)


def test_the_cleanup_deletes_expired_entries_but_the_last(database_url: str, clock: FakeClock) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here = worker()
        for session_id in ("a", "b", "c"):
            await revoke(here, "session", session_id)
        clock.move(LIFETIME + 61)
        job = RevocationCleanup(clock).expired_entries
        deleted = [await here._database.write(job, 1) for _ in range(3)]
        assert [one["revocations"] for one in deleted] == [1, 1, 0]
        async with here._database.read() as session:
            assert await session.scalar(select(RevocationRow.seq)) == 3  # the position of the feed

    workers(database_url, scenario, clock)


def end_listening(name: str) -> str:
    """Return the statement by which PostgreSQL ends connections to this database that call themselves `name`."""
    return (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name LIKE '{name}'"
    )


def hang(worker: Revocations, monkeypatch: pytest.MonkeyPatch) -> tuple[str, asyncio.Event]:
    """Let the feed of `worker` hang when it is next read; return the name of its connection, and when it hangs."""
    follower = worker._follower
    assert isinstance(follower, on_postgres.PostgresFollower)
    hangs = asyncio.Event()

    async def read(_connection: Any) -> None:
        hangs.set()
        await asyncio.sleep(30)

    monkeypatch.setattr(follower, "_read", read)
    return follower._name, hangs


@pytest.mark.postgres
def test_while_the_channel_is_down_the_database_is_asked(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's server ends the connection that listens; nothing is accepted from memory until it is back."""
    monkeypatch.setattr(on_postgres, "RETRY", 10.0)

    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        somebody = bearer()
        assert there.allows_now(somebody) is True
        await asyncio.to_thread(run_on_server, postgres, end_listening("ostiary feed %"))
        await eventually(lambda: there.allows_now(somebody) is None)
        assert await there.allows(somebody) is True
        await revoke(here, "session", somebody.session_id)
        assert there.allows_now(somebody) is None
        assert await there.allows(somebody) is False
        await eventually(lambda: there.allows_now(somebody) is False)

    workers(postgres, scenario)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("fault", "level"),
    [(asyncpg.InternalClientError("another operation (2) is in progress"), "warning"), (LookupError("a bug"), "error")],
    ids=["of the connection", "of the program"],
)
def test_a_worker_goes_on_to_follow_after_any_fault(
    fault: Exception, level: str, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_postgres, "RETRY", 0.1)

    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        follower = there._follower
        assert isinstance(follower, on_postgres.PostgresFollower)
        read = follower._read

        async def fails_once(_connection: Any) -> bool:
            monkeypatch.setattr(follower, "_read", read)
            raise fault

        monkeypatch.setattr(follower, "_read", fails_once)
        somebody = bearer()
        with capture_logs() as logs:
            await revoke(here, "session", somebody.session_id)
            assert there.allows_now(somebody) is not True
            await eventually(lambda: there.allows_now(somebody) is False)
        (told,) = [one for one in logs if "not pushed at the moment" in one["event"]]
        assert told["log_level"] == level
        assert await there.allows(bearer()) is True

    workers(postgres, scenario)


@pytest.mark.postgres
def test_a_worker_that_hangs_is_waited_for_until_it_counts_as_behind(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loop answers requests, its feed does not: after PATIENCE it asks the database, and the write returns."""
    monkeypatch.setattr(on_postgres, "PATIENCE", 0.4)

    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        somebody = bearer()
        hang(there, monkeypatch)
        await revoke(here, "session", somebody.session_id)
        assert there.allows_now(somebody) is None
        assert await there.allows(somebody) is False

    workers(postgres, scenario)


@pytest.mark.postgres
def test_a_worker_that_has_not_noticed_that_its_connection_is_gone_is_waited_for(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a failover: it listens to nothing, is listed nowhere, and trusts its memory up to PATIENCE."""

    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        somebody = bearer()
        name, hangs = hang(there, monkeypatch)
        await hangs.wait()
        await asyncio.to_thread(run_on_server, postgres, end_listening(name))
        assert there.allows_now(somebody) is True
        await revoke(here, "session", somebody.session_id)
        assert there.allows_now(somebody) is None
        assert await there.allows(somebody) is False

    workers(postgres, scenario)


@pytest.mark.postgres
def test_nobody_waits_for_a_worker_that_has_stopped(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_postgres, "PATIENCE", 60.0)

    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        await revoke(here, "session", "one")
        await there.stop()
        await asyncio.wait_for(revoke(here, "session", "another"), 30)

    workers(postgres, scenario)
