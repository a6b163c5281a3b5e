"""How refusals are answered: Retry-After, one log line, and a pace."""

from collections import Counter

import pytest
import structlog

from ostiary.core.problems import OVERLOADED
from ostiary.core.refusals import (
    LOG_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_RETRY_AFTER,
    REFUSALS_PER_SECOND,
    SPREAD_SECONDS,
    TICK_SECONDS,
    Refusals,
)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def refusals(time: Time) -> Refusals:
    return Refusals(time)


def retry_after(refusals: Refusals, seconds: float) -> int:
    problem = refusals.refuse(1, seconds)
    assert problem.kind is OVERLOADED
    return int(problem.headers()["Retry-After"])


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 2.0, 7.5])
def test_retry_after_is_the_expected_wait_and_up_to_as_much_again(refusals: Refusals, seconds: float) -> None:
    told = [retry_after(refusals, seconds) for _ in range(200)]
    base = max(1.0, seconds)
    assert min(told) >= base
    assert max(told) <= 2 * base + 1
    assert len(set(told)) >= (2 if base > 1 else 1)


def test_clients_that_obey_come_back_evenly(refusals: Refusals) -> None:
    told = [retry_after(refusals, 4.0) for _ in range(400)]
    assert all(90 <= told.count(one) <= 110 for one in (5, 6, 7, 8))


def test_nobody_is_sent_away_for_long(refusals: Refusals) -> None:
    assert retry_after(refusals, 1e9) == MAX_RETRY_AFTER


def test_one_line_in_ten_seconds_says_how_many(refusals: Refusals, time: Time) -> None:
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            refusals.refuse(7, 1.0)
        time.now += LOG_SECONDS
        refusals.refuse(9, 1.0)
    assert [(entry["event"], entry["waiting"], entry["refused"]) for entry in logs] == [
        ("logins are refused: too many passwords wait", 7, 1),
        ("logins are refused: too many passwords wait", 9, 5),
    ]


def test_some_refusals_are_answered_at_once_and_more_at_a_pace(refusals: Refusals, time: Time) -> None:
    at_once = [refusals.delay() for _ in range(REFUSALS_PER_SECOND)]
    assert at_once == [0.0] * REFUSALS_PER_SECOND
    later = [refusals.delay() for _ in range(REFUSALS_PER_SECOND)]
    together = round(TICK_SECONDS * REFUSALS_PER_SECOND * 2)
    assert later[:together] == pytest.approx([0.0] * 2 + [TICK_SECONDS] * (together - 2), abs=TICK_SECONDS)
    assert 0.9 <= later[-1] <= 1.0
    assert all(one / TICK_SECONDS == pytest.approx(round(one / TICK_SECONDS)) for one in later)
    assert max(refusals.delay() for _ in range(1000)) <= MAX_DELAY_SECONDS
    time.now += MAX_DELAY_SECONDS + 1
    assert refusals.delay() == 0.0


def test_clients_that_come_together_are_not_sent_back_together(refusals: Refusals) -> None:
    for _ in range(1000):
        refusals.refuse(1, 1.0)
        refusals.delay()
    last = []
    for _ in range(100):
        refusals.refuse(1, 1.0)
        last.append(refusals.delay())
    assert MAX_DELAY_SECONDS - SPREAD_SECONDS - TICK_SECONDS <= min(last) < max(last) <= MAX_DELAY_SECONDS
    ticks = Counter(round(one / TICK_SECONDS) for one in last)
    assert len(ticks) == round(SPREAD_SECONDS / TICK_SECONDS)
    assert min(ticks.values()) >= len(last) / len(ticks) / 2
