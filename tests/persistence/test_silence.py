"""A PostgreSQL that takes everything and answers nothing: what needs it fails within two seconds, until it is back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
import structlog
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.persistence.database import Database
from ostiary.persistence.point_query import PointQuery
from ostiary.persistence.silence import PROBE_SECONDS, SLOW_SECONDS, Silence
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import ids, insert, notes, run, unavailable
from tests.support.freezing_proxy import DOWN, UP, FreezingProxy, proxied
from tests.support.waiting import eventually

LIMIT = 10.0
"""Far below the time-out of 30 s that the database has in these tests."""


class Fake:
    """A database that answers when it is let."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.refuses = False
        self.probes = 0
        self.cuts = 0

    async def probe(self) -> None:
        self.probes += 1
        if self.refuses:
            raise ConnectionRefusedError
        await self.answers.wait()

    def cut(self) -> None:
        self.cuts += 1


def with_fake(scenario: Callable[[Fake, Silence], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLOW_SECONDS", "PROBE_SECONDS", "PROBE_AGAIN_SECONDS", "LOOK_AGAIN_SECONDS"):
        monkeypatch.setattr(f"ostiary.persistence.silence.{name}", 0.02)

    async def within() -> None:
        fake = Fake()
        silence = Silence(fake.probe, fake.cut)
        try:
            await scenario(fake, silence)
        finally:
            await silence.stop()

    asyncio.run(within())


def test_what_is_slow_is_no_sign_while_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(fake: Fake, silence: Silence) -> None:
        fake.answers.set()
        with silence.watched():
            await eventually(lambda: fake.probes > 2)
        assert (silence.is_silent, fake.cuts) == (False, 0)

    with_fake(scenario, monkeypatch)


def test_a_refusal_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(fake: Fake, silence: Silence) -> None:
        fake.refuses = True
        with silence.watched():
            await eventually(lambda: fake.probes > 2)
        assert (silence.is_silent, fake.cuts) == (False, 0)

    with_fake(scenario, monkeypatch)


def test_nobody_asks_where_nothing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(fake: Fake, silence: Silence) -> None:
        with silence.watched():
            pass
        await asyncio.sleep(0.1)
        assert (fake.probes, silence.is_silent) == (0, False)

    with_fake(scenario, monkeypatch)


def test_what_others_are_answered_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(fake: Fake, silence: Silence) -> None:
        with silence.watched():
            for _ in range(3):
                before = fake.probes
                await eventually(lambda: fake.probes > before)  # noqa: B023 - awaited in the same turn
                with silence.watched():
                    pass
        assert (silence.is_silent, fake.cuts) == (False, 0)

    with_fake(scenario, monkeypatch)


def test_while_it_is_silent_new_work_fails_at_once_and_a_probe_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(fake: Fake, silence: Silence) -> None:
        with structlog.testing.capture_logs() as logs:
            with silence.watched():
                await eventually(lambda: silence.is_silent)
            assert fake.cuts == 1
            with pytest.raises(Problem) as refused, silence.watched():
                pytest.fail("entered")
            assert refused.value.kind is DATABASE_UNAVAILABLE
            before = fake.probes
            await eventually(lambda: fake.probes > before + 1)
            fake.answers.set()
            await eventually(lambda: not silence.is_silent)
        with silence.watched():
            pass
        assert [entry["event"] for entry in logs] == [
            "the database does not answer; requests that need it are refused until it does",
            "the database answers again",
        ]

    with_fake(scenario, monkeypatch)


@pytest.fixture
def proxy(postgres: str) -> Iterator[FreezingProxy]:
    url = make_url(postgres)
    with proxied((url.host or "127.0.0.1", url.port or 5432)) as proxy:
        yield proxy


def through(url: str, proxy: FreezingProxy) -> str:
    return make_url(url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)


async def in_time(call: Awaitable[None]) -> None:
    async with asyncio.timeout(LIMIT):
        await unavailable(call)


@pytest.mark.postgres
@pytest.mark.parametrize("ways", [(), (UP,), (DOWN,)], ids=["both ways", "up", "down"])
def test_whatever_waits_for_a_frozen_database_fails_and_new_work_at_once(
    postgres: str, proxy: FreezingProxy, ways: tuple[str, ...]
) -> None:
    async def scenario(database: Database) -> None:
        query = PointQuery(database, select(notes.c.id).where(notes.c.id == 1))
        await asyncio.gather(*(database.ping() for _ in range(5)))
        proxy.freeze(*ways)
        # More than there are connections: some wait for one.
        waiting = [database.ping(), ids(database), query.exists(), *(database.write(insert(n)) for n in range(2, 9))]
        await asyncio.gather(*(in_time(call) for call in waiting))
        assert database._silence is not None
        for call in (database.ping(), ids(database), query.exists(), database.write(insert(9))):
            assert database._silence.is_silent
            await in_time(call)
        proxy.thaw()
        await eventually(lambda: database._silence is not None and not database._silence.is_silent)
        await database.write(insert(1))
        assert await query.exists()

    run(through(postgres, proxy), scenario, timeout=30)


@pytest.mark.postgres
def test_a_statement_that_waits_for_a_lock_is_no_silence(postgres: str, proxy: FreezingProxy) -> None:
    async def scenario(database: Database) -> None:
        locked, go_on = asyncio.Event(), asyncio.Event()

        async def holding(tx: Transaction) -> None:
            await tx.session.execute(text("LOCK TABLE notes"))
            locked.set()
            await go_on.wait()

        holder = asyncio.create_task(database.write(holding))
        await locked.wait()
        waiting = asyncio.create_task(database.write(insert(1)))
        done, _ = await asyncio.wait({waiting}, timeout=SLOW_SECONDS + PROBE_SECONDS + 1)
        assert not done
        await database.ping()
        go_on.set()
        await asyncio.gather(holder, waiting)
        assert await ids(database) == [1]

    run(through(postgres, proxy), scenario, timeout=30)
