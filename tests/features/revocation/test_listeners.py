"""Who has to know an entry before its writer may answer."""

import math

import pytest

from ostiary.features.revocation.listeners import Listeners

PATIENCE = 3.0


@pytest.fixture
def listeners() -> Listeners:
    return Listeners("own", PATIENCE)


def test_nobody_is_waited_for_where_nobody_listens(listeners: Listeners) -> None:
    listeners.listed([], 0.0)
    assert listeners.wait_until(1) is None


def test_whoever_is_listed_is_waited_for_until_they_know(listeners: Listeners) -> None:
    listeners.listed(["a", "b"], 0.0)
    assert listeners.wait_until(7) == math.inf
    listeners.know("a", 7)
    listeners.know("b", 6)
    assert listeners.wait_until(7) == math.inf
    listeners.know("b", 8)
    assert listeners.wait_until(7) is None


def test_whoever_is_gone_is_waited_for_while_they_may_trust_their_memory(listeners: Listeners) -> None:
    listeners.listed(["a"], 0.0)
    listeners.listed([], 1.0)
    assert listeners.wait_until(1) == 1.0 + PATIENCE
    listeners.listed([], 2.0)
    assert listeners.wait_until(1) == 1.0 + PATIENCE
    listeners.listed([], 1.0 + PATIENCE)
    assert listeners.wait_until(1) is None


def test_whoever_has_said_what_they_know_is_known_without_being_listed(listeners: Listeners) -> None:
    listeners.know("a", 1)
    listeners.listed([], 1.0)
    assert listeners.wait_until(1) is None
    assert listeners.wait_until(2) == 1.0 + PATIENCE


def test_whoever_comes_back_is_waited_for_again(listeners: Listeners) -> None:
    listeners.listed(["a"], 0.0)
    listeners.listed([], 1.0)
    listeners.listed(["a"], 2.0)
    assert listeners.wait_until(1) == math.inf


def test_whoever_has_left_is_not_waited_for_though_still_listed(listeners: Listeners) -> None:
    listeners.listed(["a"], 0.0)
    listeners.left("a")
    listeners.listed(["a"], 1.0)
    assert listeners.wait_until(1) is None
    listeners.listed([], 2.0)
    assert listeners.wait_until(1) is None


@pytest.mark.parametrize("is_missed", [True, False])
def test_whoever_has_connected_anew_is_waited_for(listeners: Listeners, *, is_missed: bool) -> None:
    listeners.know("a", 1)
    listeners.left("a")
    if is_missed:
        listeners.listed([], 1.0)
    else:
        listeners.know("a", 1)  # which each says who has connected
    listeners.listed(["a"], 2.0)
    assert listeners.wait_until(2) == math.inf


def test_one_that_stays_silent_is_waited_for_once(listeners: Listeners) -> None:
    listeners.listed(["own", "a", "b"], 0.0)
    listeners.know("a", 1)
    listeners.know("own", 1)
    assert listeners.give_up(1) == ["b"]
    assert listeners.wait_until(1) is None
    listeners.listed(["own", "a", "b"], 4.0)
    listeners.know("own", 2)
    assert listeners.wait_until(2) == math.inf  # for a
    listeners.know("a", 2)
    assert listeners.wait_until(2) is None


def test_once_it_has_spoken_it_is_waited_for_again(listeners: Listeners) -> None:
    listeners.listed(["own", "a"], 0.0)
    listeners.know("own", 1)
    listeners.give_up(1)
    listeners.know("a", 1)
    listeners.know("own", 2)
    assert listeners.wait_until(2) == math.inf


def test_the_silent_are_waited_for_until_this_worker_has_heard_its_own_news(listeners: Listeners) -> None:
    # What they have said before that would have been heard before it.
    listeners.listed(["own", "a"], 0.0)
    listeners.know("own", 1)
    listeners.give_up(1)
    assert listeners.wait_until(2) == math.inf
    listeners.know("own", 2)
    assert listeners.wait_until(2) is None


def test_a_worker_that_has_not_listened_for_a_moment_knows_nobody_to_be_silent(listeners: Listeners) -> None:
    listeners.listed(["own", "a"], 0.0)
    listeners.know("own", 1)
    listeners.give_up(1)
    listeners.left("own")
    listeners.know("own", 2)
    assert listeners.wait_until(2) == math.inf


def test_what_another_worker_says_of_the_silent_counts_unless_they_have_spoken_since(listeners: Listeners) -> None:
    listeners.listed(["own", "a", "b"], 0.0)
    listeners.know("own", 7)
    listeners.know("b", 7)
    listeners.given_up("a", 7)
    listeners.given_up("b", 7)
    listeners.given_up("own", 8)
    listeners.given_up("nobody", 7)
    assert listeners.wait_until(7) is None
    listeners.know("own", 8)
    assert listeners.wait_until(8) == math.inf  # for b
    listeners.know("b", 8)
    assert listeners.wait_until(8) is None
