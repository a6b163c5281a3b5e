"""Cursors: whatever a client sends, they lead to a place in the list or to none."""

import base64
import json
import unicodedata
from typing import Any

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.core.pages import Page
from ostiary.core.problems import Problem
from ostiary.web.blueprint import WithHeaders
from ostiary.web.pages import MAX_CURSOR_LENGTH, cursor_of, page_answer, position_of

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(TEXT, st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_cursor_leads_back_to_its_position(text: str, number: int) -> None:
    assert position_of(cursor_of((text, number), "by name"), "by name", str, int) == (text, number)


@given(st.lists(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=64))
@example(["\ufdfa"] * 64)
@example(["\U00020bb7"] * 64)
@example(["\U0010ffff"] * 64)
@example(['"', "\\"] * 32)
@example(["\u0001"] * 64)
def test_a_cursor_that_is_given_for_a_name_is_taken(name: list[str]) -> None:
    """Whatever a name becomes when it is normalised, and however it is written in a cursor."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", "".join(name)).casefold())
    assert len(cursor_of((key,), "-username")) <= MAX_CURSOR_LENGTH
    if len(key) <= 64:
        assert len(cursor_of((key,), "-username")) < 600  # with the rest of an address far below the bounds of proxies
    assert position_of(cursor_of((key,), "-username"), "-username", str) == (key,)


def test_without_a_cursor_the_list_begins() -> None:
    assert position_of(None, "by name", str) is None


def made(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "é",
        "=",
        "A",
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 700).decode(),
        made(None),
        made({}),
        made([]),
        made(["by id", "a"]),
        made(["by name"]),
        made(["by name", "a", "b"]),
        made(["by name", 1]),
        made(["by name", None]),
        made(["by name", True]),
        made(["by name", ["a"]]),
        made(["by name", "a\0"]),
        made(["by name", "\ud800"]),
    ],
)
def test_any_other_cursor_leads_nowhere(cursor: str) -> None:
    with pytest.raises(Problem, match="page_not_found"):
        position_of(cursor, "by name", str)


@pytest.mark.parametrize("value", [True, 2**63, -(2**63), 10**40, 1.0])
def test_a_number_that_no_column_holds_leads_nowhere(value: Any) -> None:
    with pytest.raises(Problem, match="page_not_found"):
        position_of(made(["newest", value]), "newest", int)


@given(st.text(max_size=60))
def test_no_text_does_harm(cursor: str) -> None:
    with pytest.raises(Problem, match="page_not_found"):
        position_of(cursor, "by name", str, str, str)


def test_the_link_leads_to_the_next_page_of_the_same_list() -> None:
    with Flask("pages").test_request_context("/users?sort=-username&limit=2&cursor=old&search=a%26b"):
        answer = page_answer(Page(["ada"], ("ada",)), "users", "by name")
        cursor = cursor_of(("ada",), "by name")
        assert answer.value == {"users": ["ada"], "next_cursor": cursor}
        assert answer.headers == {"Link": f'<?sort=-username&limit=2&search=a%26b&cursor={cursor}>; rel="next"'}


def test_the_last_page_has_no_link() -> None:
    with Flask("pages").test_request_context("/users"):
        assert page_answer(Page([], None), "users", "by name") == WithHeaders({"users": [], "next_cursor": None}, {})
