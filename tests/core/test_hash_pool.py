"""The hash pool: bounded, off the loop, at a lower priority, and it gives places back."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from ostiary.core.hash_pool import LOWER_PRIORITY, HashPool
from ostiary.core.problems import OVERLOADED, Problem
from tests.support.threads import no_new_thread


class Gate:
    """Work that begins, says so, and ends when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self) -> str:
        self.begun.release()
        assert self.open.wait(20)
        return "done"

    async def wait_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=20)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


async def settled(pool: HashPool, in_flight: int) -> None:
    """Wait until so many calls are in flight."""
    async with asyncio.timeout(20):
        while pool.in_flight != in_flight:  # noqa: ASYNC110 - it is a number, no event
            await asyncio.sleep(0.001)


def test_it_returns_what_the_work_returns() -> None:
    async def scenario() -> None:
        pool = HashPool(1, 1)
        assert await pool.run(lambda: 42) == 42
        await settled(pool, 0)
        pool.close()

    asyncio.run(scenario())


def test_an_exception_comes_through_and_frees_the_place() -> None:
    async def scenario() -> None:
        pool = HashPool(1, 0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 // 0)
            await settled(pool, 0)
        pool.close()

    asyncio.run(scenario())


def test_beyond_threads_and_queue_it_says_overloaded_at_once_and_recovers(gate: Gate) -> None:
    async def scenario() -> None:
        pool = HashPool(2, 3)
        calls = [asyncio.create_task(pool.run(gate)) for _ in range(5)]
        await gate.wait_begun()
        with pytest.raises(Problem) as refused:
            await pool.run(lambda: None)
        assert refused.value.kind is OVERLOADED
        assert pool.in_flight == 5
        gate.open.set()
        assert await asyncio.gather(*calls) == ["done"] * 5
        await settled(pool, 0)
        assert await pool.run(lambda: "again") == "again"
        pool.close()

    asyncio.run(scenario())


def test_a_cancelled_caller_that_waits_gives_its_place_up_and_its_work_never_runs(gate: Gate) -> None:
    async def scenario() -> None:
        ran = []
        pool = HashPool(1, 1)
        running = asyncio.create_task(pool.run(gate))
        await gate.wait_begun()
        waiting = asyncio.create_task(pool.run(lambda: ran.append("cancelled")))
        await settled(pool, 2)
        waiting.cancel()
        await settled(pool, 1)
        successor = asyncio.create_task(pool.run(lambda: "its place"))
        gate.open.set()
        assert await successor == "its place"
        assert await running == "done"
        assert waiting.cancelled()
        assert ran == []
        pool.close()

    asyncio.run(scenario())


def test_a_cancelled_caller_whose_work_runs_keeps_its_place_until_the_thread_is_free(gate: Gate) -> None:
    async def scenario() -> None:
        pool = HashPool(1, 0)
        running = asyncio.create_task(pool.run(gate))
        await gate.wait_begun()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert pool.in_flight == 1
        with pytest.raises(Problem):
            await pool.run(lambda: None)
        gate.open.set()
        await settled(pool, 0)
        pool.close()

    asyncio.run(scenario())


def test_the_event_loop_keeps_ticking_meanwhile() -> None:
    async def scenario() -> None:
        pool = HashPool(1, 10)
        started = time.monotonic()
        work = asyncio.create_task(pool.run(lambda: time.sleep(0.3)))
        ticks = 0
        while not work.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert time.monotonic() - started >= 0.3
        assert ticks >= 5
        pool.close()

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a niceness for each thread")
def test_its_threads_yield_to_the_loop() -> None:
    async def scenario() -> None:
        pool = HashPool(1, 0)
        before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        def priority() -> tuple[int, int]:
            return threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        thread, found = await pool.run(priority)
        assert thread != threading.get_native_id()
        assert found == min(19, before + LOWER_PRIORITY)
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
        pool.close()

    asyncio.run(scenario())


def test_where_threads_have_no_priority_of_their_own_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "setpriority")

    async def scenario() -> None:
        pool = HashPool(1, 0)
        assert await pool.run(lambda: "works") == "works"
        pool.close()

    asyncio.run(scenario())


def test_no_thread_starts_before_the_first_call_so_that_a_fork_is_safe() -> None:
    with no_new_thread():
        pool = HashPool(4, 4)
    pool.close()


def test_closing_finishes_what_runs_drops_what_waits_and_ends_the_threads(gate: Gate) -> None:
    async def scenario() -> None:
        pool = HashPool(1, 1)
        running = asyncio.create_task(pool.run(gate))
        await gate.wait_begun()
        waiting = asyncio.create_task(pool.run(lambda: "never"))
        await settled(pool, 2)
        threading.Timer(0.05, gate.open.set).start()
        await asyncio.to_thread(pool.close)
        assert await running == "done"
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("ostiary-hash")]

    asyncio.run(scenario())


def test_a_loop_that_is_closed_meanwhile_is_no_trouble(gate: Gate) -> None:
    pool = HashPool(1, 0)

    async def abandon() -> None:
        call = asyncio.create_task(pool.run(gate))
        await gate.wait_begun()
        call.cancel()

    asyncio.run(abandon())
    gate.open.set()
    pool.close()


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def with_measured(pool: HashPool, time: Time, seconds: float) -> None:
    """Let the pool measure calls that take so long."""

    def work() -> None:
        time.now += seconds

    for _ in range(3):
        await pool.run(work)
    await settled(pool, 0)


def test_a_call_is_refused_when_it_would_wait_for_too_long(gate: Gate) -> None:
    async def scenario() -> None:
        time = Time()
        pool = HashPool(1, 1000, 1.0, now=time)
        assert pool.expected_wait == 0.0
        await with_measured(pool, time, 0.25)
        calls = [asyncio.create_task(pool.run(gate))]
        await gate.wait_begun()
        calls += [asyncio.create_task(pool.run(lambda: "waited")) for _ in range(3)]
        await settled(pool, 4)
        assert pool.expected_wait == pytest.approx(1.0)
        assert pool.refusal() is None
        calls.append(asyncio.create_task(pool.run(lambda: "waited")))
        await settled(pool, 5)
        refused = pool.refusal()
        assert refused is not None
        assert refused.kind is OVERLOADED
        assert int(refused.headers()["Retry-After"]) >= 2
        with pytest.raises(Problem):
            await pool.run(lambda: None)
        gate.open.set()
        assert await asyncio.gather(*calls) == ["done", *["waited"] * 4]
        pool.close()

    asyncio.run(scenario())


def test_a_call_whose_turn_comes_too_late_is_dropped_and_not_run(gate: Gate) -> None:
    async def scenario() -> None:
        time, ran = Time(), []
        pool = HashPool(1, 10, 2.0, now=time)
        running = asyncio.create_task(pool.run(gate))
        await gate.wait_begun()
        late = asyncio.create_task(pool.run(lambda: ran.append("late")))
        await settled(pool, 2)
        time.now += 2.5
        timely = asyncio.create_task(pool.run(lambda: ran.append("timely")))
        await settled(pool, 3)
        gate.open.set()
        await running
        with pytest.raises(Problem) as dropped:
            await late
        assert dropped.value.kind is OVERLOADED
        await timely
        assert ran == ["timely"]
        await settled(pool, 0)
        pool.close()

    asyncio.run(scenario())


def test_while_a_thread_is_free_a_call_is_admitted_however_long_calls_have_taken() -> None:
    async def scenario() -> None:
        time = Time()
        pool = HashPool(1, 10, 2.0, now=time)
        await with_measured(pool, time, 60.0)
        assert pool.refusal() is None
        await with_measured(pool, time, 0.01)
        assert pool.expected_wait < 60.0
        pool.close()

    asyncio.run(scenario())


def test_where_callers_give_up_fewer_wait_until_calls_are_served_again(gate: Gate) -> None:
    async def scenario() -> None:
        time = Time()
        pool = HashPool(1, 1000, 1.0, now=time)
        await with_measured(pool, time, 0.25)
        running = asyncio.create_task(pool.run(gate))
        await gate.wait_begun()
        for _ in range(3):
            impatient = asyncio.create_task(pool.run(lambda: "never"))
            await settled(pool, 2)
            impatient.cancel()
            await settled(pool, 1)
        waiting = [asyncio.create_task(pool.run(lambda: "waited")) for _ in range(2)]
        await settled(pool, 3)
        assert pool.expected_wait < 1.0
        assert pool.refusal() is not None
        gate.open.set()
        await asyncio.gather(running, *waiting)
        for _ in range(600):
            await pool.run(lambda: "served")
        await settled(pool, 0)
        gate.open.clear()
        calls = [asyncio.create_task(pool.run(gate))]
        await gate.wait_begun()
        calls += [asyncio.create_task(pool.run(lambda: "waited")) for _ in range(2)]
        await settled(pool, 3)
        assert pool.refusal() is None
        gate.open.set()
        await asyncio.gather(*calls)
        pool.close()

    asyncio.run(scenario())


def test_who_was_admitted_together_with_others_has_a_place_and_nobody_beyond() -> None:
    async def scenario() -> None:
        pool = HashPool(1, 1)
        come = asyncio.Event()

        async def admitted() -> str:
            with pool.place():
                await come.wait()  # as when the user is looked up
                return await pool.run(lambda: "done")

        calls = [asyncio.create_task(admitted()) for _ in range(2)]
        await asyncio.sleep(0)
        assert pool.in_flight == 0
        assert pool.refusal() is not None
        with pytest.raises(Problem) as refused, pool.place():
            pytest.fail("there is no place")
        assert refused.value.kind is OVERLOADED
        with pytest.raises(Problem):
            await pool.run(lambda: None)
        come.set()
        assert await asyncio.gather(*calls) == ["done", "done"]
        await settled(pool, 0)
        assert pool.refusal() is None
        pool.close()

    asyncio.run(scenario())


def test_a_place_is_given_back_by_who_never_calls_and_serves_for_one_call(gate: Gate) -> None:
    async def scenario() -> None:
        pool = HashPool(1, 0)
        with pytest.raises(ZeroDivisionError), pool.place():
            raise ZeroDivisionError
        assert pool.refusal() is None
        with pool.place():
            running = asyncio.create_task(pool.run(gate))
            await gate.wait_begun()
            with pytest.raises(Problem) as refused:
                await pool.run(lambda: None)
            assert refused.value.kind is OVERLOADED
        gate.open.set()
        assert await running == "done"
        pool.close()

    asyncio.run(scenario())
