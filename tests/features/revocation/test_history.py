"""Signs by which a database that went back is recognised, in this process and on both databases."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from io import FileIO
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import delete, func, make_url, select, text
from structlog.testing import capture_logs

from ostiary.core.problems import INVALID_TOKEN, Problem
from ostiary.core.request_info import SERVER
from ostiary.features.audit.models import AuditEventRow
from ostiary.features.revocation.identity import Found, Known, Reason, sign
from ostiary.features.revocation.models import FeedIdentityRow, RevocationRow
from ostiary.features.revocation.postgres_history import _Questions
from ostiary.features.revocation.recovery import JUMP
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.features.sessions.events import PASSWORD_CHANGED
from ostiary.persistence import feed_file
from ostiary.persistence.feed_file import FeedFile, Record
from ostiary.persistence.transaction import Transaction
from tests.features.revocation.test_feed import bearer, position, revoke, two, workers

KNOWN = Known("one", position=7, audit=20, audit_mark="twenty", wal=100)
FOUND = Found("one", 0, 7, "twenty", 21, "twenty-one", wal=100)
REPAIRED = replace(FOUND, generation="two", since=1000, last=1000, known_audit_mark="")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (FOUND, None),
        (replace(FOUND, last=6), "position"),
        (replace(FOUND, known_audit_mark="another"), "audit_trail"),
        (replace(FOUND, known_audit_mark=""), "audit_trail"),
        (replace(FOUND, wal=99), "wal_position"),
        (replace(FOUND, facts="timeline"), "timeline"),
        (REPAIRED, None),  # by another worker
        (replace(REPAIRED, facts="timeline"), "timeline"),
        (replace(REPAIRED, since=7), "generation"),
        (replace(REPAIRED, generation=None, since=0, last=8), "generation"),
    ],
)
def test_one_look_tells_whether_the_history_is_the_known_one(found: Found, expected: Reason | None) -> None:
    assert sign(KNOWN, 7, found) == expected


def test_the_first_look_has_nothing_to_compare_with() -> None:
    assert sign(Known(), 0, FOUND) is None
    assert sign(Known(), 0, replace(FOUND, facts="database_oid")) == "database_oid"


async def voided(worker: Revocations) -> tuple[int, int]:
    """Return how many entries void everything, and how many events say why."""
    async with worker._database.read() as session:
        everyone = select(func.count()).where(RevocationRow.kind == "everyone")
        events = select(func.count()).where(AuditEventRow.type == "database.went_back")
        return int(await session.scalar(everyone) or 0), int(await session.scalar(events) or 0)


async def lose_entries(tx: Transaction) -> None:
    """What a backup without them does, as far as the feed goes."""
    await tx.session.execute(delete(RevocationRow))
    if tx.session.get_bind().dialect.name == "sqlite":
        await tx.session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'revocations'"))


async def lose_identity(tx: Transaction) -> None:
    await tx.session.execute(delete(FeedIdentityRow))


@pytest.mark.parametrize("loss", [lose_entries, lose_identity], ids=lambda loss: loss.__name__)
def test_one_of_several_workers_voids_what_was_issued_before(
    loss: Callable[[Transaction], Awaitable[None]], database_url: str
) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        before = replace(bearer(), position=3)
        await revoke(here, "session", *[bearer().session_id or "" for _ in range(3)])
        await here._database.write(loss)
        with capture_logs() as logs:
            ended = [bearer() for _ in range(4)]
            await asyncio.gather(
                *(revoke((here, there)[n % 2], "session", one.session_id or "") for n, one in enumerate(ended))
            )
        assert sum("went back" in one["event"] for one in logs) == 1
        assert await voided(here) == (1, 1)
        now = await position(here)
        assert now > JUMP
        for one in (here, there):
            assert await one.allows(before) is False
            assert await one.allows(replace(bearer(), position=now)) is True
            for somebody in ended:
                assert await one.allows(replace(somebody, position=now)) is False

    workers(database_url, scenario)


def test_work_that_is_refused_after_the_database_went_back_leaves_no_event(database_url: str) -> None:
    async def refused(tx: RevokingTransaction) -> None:
        tx.record(PASSWORD_CHANGED, SERVER, user_id=None)
        raise INVALID_TOKEN()

    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, _ = await two(worker)
        await revoke(here, "session", "one")
        await here._database.write(lose_identity)
        with pytest.raises(Problem):
            await here.write(refused)
        assert await voided(here) == (1, 1)
        async with here._database.read() as session:
            assert list(await session.scalars(select(AuditEventRow.type))) == ["database.went_back"]

    workers(database_url, scenario)


def test_a_token_of_an_undone_future_is_refused_and_gives_the_database_away(database_url: str) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = await two(worker)
        await revoke(here, "session", "one")
        ahead = replace(bearer(), position=50)
        assert await here.allows(ahead) is False
        assert await there.allows(ahead) is False
        assert await voided(here) == (1, 1)
        assert await position(here) == JUMP + 50
        assert await there.allows(replace(bearer(), position=1)) is False

    workers(database_url, scenario)


@pytest.mark.parametrize("strict", [False, True])
def test_an_entry_of_a_user_needs_no_session_and_may_keep_one(database_url: str, strict: bool) -> None:
    async def scenario(worker: Callable[..., Revocations]) -> None:
        here, there = worker(), worker(strict=strict)
        await here.start()
        await there.start()
        kept = bearer()
        other = replace(kept, session_id=bearer().session_id)

        async def end(tx: RevokingTransaction, but: str | None) -> None:
            await tx.revoke_user(kept.user_id, keep_session=but)

        await here.write(lambda tx: end(tx, kept.session_id))
        assert (await there.allows(kept), await there.allows(other)) == (True, False)
        await here.write(lambda tx: end(tx, None))
        assert (await there.allows(kept), await there.allows(other)) == (False, False)

    workers(database_url, scenario)


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[FeedFile]:
    (tmp_path / "db").touch(0o600)
    made = FeedFile(tmp_path / "db-feed", tmp_path / "db")
    yield made
    made.announced.close()


RECORD = Record(7, 20, "a" * 16, "0199f6a2-6b7e-7c3a-8a51-000000000001")


def test_the_file_says_what_it_was_told(feed: FeedFile) -> None:
    assert feed.read() is None
    feed.begin(9, RECORD)
    assert feed.read() == RECORD
    assert feed.announced.get() == 9
    feed.announced.set(11)
    assert feed.read() == RECORD


def test_the_file_goes_on_and_never_back(feed: FeedFile) -> None:
    feed.begin(7, RECORD)
    feed.remember(replace(RECORD, position=8, audit=21, audit_mark="b" * 16))
    feed.remember(replace(RECORD, position=9))
    feed.remember(RECORD)
    feed.remember(replace(RECORD, position=100, generation="another"))
    assert feed.read() == Record(9, 21, "b" * 16, RECORD.generation)


def test_a_file_that_was_removed_or_is_of_an_earlier_version_is_made_whole(feed: FeedFile) -> None:
    feed.announced.set(12)
    assert feed.read() is None
    feed.remember(RECORD)
    assert feed.read() == RECORD
    assert feed.announced.get() == 12
    feed._path.unlink()
    feed.remember(RECORD)
    assert feed.read() == RECORD


def test_a_copy_of_the_file_is_recognised(feed: FeedFile, tmp_path: Path) -> None:
    feed.begin(7, RECORD)
    copy = FeedFile(tmp_path / "copy", tmp_path / "db")
    copy._path.write_bytes(feed._path.read_bytes())
    assert copy.read() == replace(RECORD, is_copy=True)
    os.utime(feed._path, (0, 0))
    assert feed.read() == RECORD
    feed._path.rename(tmp_path / "moved")
    assert FeedFile(tmp_path / "moved", tmp_path / "db").read() == RECORD


def as_before(file: Path, announced: int | None) -> None:
    """Put in place what an earlier version had beside its database."""
    file.unlink()
    if announced is not None:
        file.write_bytes(announced.to_bytes(8))


def test_a_file_that_was_copied_over_is_recognised(feed: FeedFile) -> None:
    """It keeps inode and time of birth, and whoever copies it may set the other times."""
    feed.begin(7, RECORD)
    before, times = feed._path.read_bytes(), feed._path.stat()
    for announced in (8, 9):
        feed.announce(announced)
    feed.remember(replace(RECORD, position=9))
    time.sleep(0.1)
    assert feed.read() == replace(RECORD, position=9)
    feed._path.write_bytes(before)
    os.utime(feed._path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert feed.read() == replace(RECORD, is_copy=True)


def test_a_file_of_a_process_that_was_paused_is_no_copy(feed: FeedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading the time of the last change and writing it into the file."""
    changed, pauses = feed_file._changed, iter([0.2, 0.2])

    def paused(file: FileIO) -> int:
        found = changed(file)
        time.sleep(next(pauses, 0))
        return found

    monkeypatch.setattr(feed_file, "_changed", paused)
    feed.begin(7, RECORD)
    assert feed.read() == RECORD


def test_a_database_from_an_earlier_version_is_taken_as_it_is(sqlite_url: str) -> None:
    """Its file holds the position alone."""
    file = Path(f"{make_url(sqlite_url).database}-feed")

    async def scenario(worker: Callable[..., Revocations]) -> None:
        await revoke(worker(), "session", "one", "two")
        await worker()._database.write(lose_identity)
        as_before(file, 2)
        late = worker()
        await late.start()
        assert await voided(late) == (0, 0)
        assert await late.allows(replace(bearer(), position=2)) is True

    workers(sqlite_url, scenario)


@pytest.mark.parametrize("announced", [None, 5])
def test_but_not_one_that_is_behind_its_file_or_has_none(sqlite_url: str, announced: int | None) -> None:
    file = Path(f"{make_url(sqlite_url).database}-feed")

    async def scenario(worker: Callable[..., Revocations]) -> None:
        await revoke(worker(), "session", "one", "two")
        await worker()._database.write(lose_identity)
        as_before(file, announced)
        late = worker()
        await late.start()
        assert await voided(late) == (1, 1)
        assert await late.allows(replace(bearer(), position=2)) is False

    workers(sqlite_url, scenario)


class Refusing:
    """A connection of a role from which a hosting service has taken most functions."""

    async def fetchval(self, statement: str) -> None:
        if "wal" in statement or "control" in statement:
            raise asyncpg.InsufficientPrivilegeError("permission denied")


def test_facts_that_may_not_be_read_are_left_out() -> None:
    questions = asyncio.run(_Questions.ask(Refusing()))
    assert "pg_control" not in questions.sql
    assert "wal" not in questions.sql
    assert "pg_database" in questions.sql
