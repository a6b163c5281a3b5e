"""Entity-tags and the conditions on them (RFC 9110 sections 8.8.3 and 13.1.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.etags import ANY_VERSION, Condition, etag
from ostiary.core.problems import Problem

PRESENT = etag("user", "ada", 3)


def test_each_version_of_each_thing_has_its_own() -> None:
    tags = {etag(kind, name, version) for kind in ("user", "role") for name in ("a", "b") for version in (1, 2, 12)}
    assert len(tags) == 12
    assert etag("user", "ada", 3) == PRESENT


@pytest.mark.parametrize(
    "told",
    [
        PRESENT,
        f"  {PRESENT} ",
        f'"other",{PRESENT}',
        f'{PRESENT}, W/"x"',
        "*",
        " * ",
        f'W/"x" , {PRESENT}',
        PRESENT.strip('"'),
    ],
)
def test_a_condition_that_names_the_present_version_holds(told: str) -> None:
    Condition.of(told).check(PRESENT)


@pytest.mark.parametrize(
    "told",
    [
        '"other"',
        f"W/{PRESENT}",
        PRESENT[:-1],
        "**",
        "\xa0*",
        "*\x85",
        f"x{PRESENT}",
        f"{PRESENT}x",
        f"{PRESENT}{PRESENT}",
        '"*"',
        "",
        ",",
        PRESENT.upper(),
    ],
)
def test_any_other_condition_does_not(told: str) -> None:
    with pytest.raises(Problem, match="precondition_failed"):
        Condition.of(told).check(PRESENT)


def test_without_a_condition_every_version_will_do() -> None:
    ANY_VERSION.check(PRESENT)


@given(st.text(max_size=80))
def test_no_text_does_harm(told: str) -> None:
    condition = Condition.of(told)
    if told.strip() != "*":
        with pytest.raises(Problem, match="precondition_failed"):
            condition.check(PRESENT)
