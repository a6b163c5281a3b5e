"""Values of header fields: one form, and only space and tab around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.fields import MAX_MEDIA_TYPE, credential, is_utf8, media_type, trimmed

NO_SPACES = ["\xa0", "\x85", "\x1c", "\x0b", "\x0c", "\r", "\n", "\u2003"]
"""What `str.strip()` removes and a field value may not be surrounded by (RFC 9110 section 5.5)."""


@pytest.mark.parametrize("character", NO_SPACES)
def test_only_space_and_tab_may_surround_a_value(character: str) -> None:
    assert trimmed(f" \t{character}value{character}\t ") == f"{character}value{character}"


@pytest.mark.parametrize("value", ["Bearer abc", "bearer abc", "BEARER   abc", " Bearer abc\t"])
def test_a_credential_is_found(value: str) -> None:
    assert credential(value, "bearer") == "abc"


@pytest.mark.parametrize("value", ["", "Basic abc", "Bearerabc", "Bearer\tabc", "abc Bearer", "Bear er abc"])
def test_another_scheme_is_none(value: str) -> None:
    assert credential(value, "bearer") is None


@pytest.mark.parametrize("value", ["Bearer", "Bearer a b", "Bearer a,Bearer a", "Bearer =", "Bearer a=b", 'Bearer "a"'])
def test_another_form_is_empty(value: str) -> None:
    assert credential(value, "bearer") == ""


@pytest.mark.parametrize("character", NO_SPACES)
@pytest.mark.parametrize("form", ["Bearer {}abc", "Bearer abc{}", "{}Bearer abc", "Bearer{}abc", "Bearer{} abc"])
def test_no_other_white_space_is_passed_over(form: str, character: str) -> None:
    assert not credential(form.format(character), "bearer")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("application/json", ("application/json", {})),
        ("Application/JSON ; Charset=UTF-8", ("application/json", {"charset": "UTF-8"})),
        ('text/plain;charset="utf-\\8";q=1', ("text/plain", {"charset": "utf-8", "q": "1"})),
        ("application/json;", ("application/json", {})),
        *[
            (f"{before}application/json{after}", ("", {}))
            for before, after in [("\xa0", ""), ("", "\xa0"), ("", "\x85"), ("", ";\xa0charset=utf-8"), ("", " x")]
        ],
        ("application", ("", {})),
        ("application/json;charset", ("", {})),
        ("application/json; charset=utf-8; charset=latin-1", ("", {})),
        ("a/" + "b" * MAX_MEDIA_TYPE, ("", {})),
    ],
)
def test_media_types(value: str, found: tuple[str, dict[str, str]]) -> None:
    assert media_type(value) == found


@pytest.mark.parametrize(
    ("content_type", "coding", "taken"),
    [
        ("application/json", "", True),
        ("application/json;charset=UTF8", " identity", True),
        ("application/json", "identity\xa0", False),
        ("application/json", "gzip", False),
        ("application/json; charset=latin-1", "", False),
        ("text/plain", "", False),
    ],
)
def test_bodies_in_utf_8(content_type: str, coding: str, taken: bool) -> None:
    assert is_utf8(content_type, "application/json", coding) is taken


@given(st.text(max_size=60))
def test_any_text_is_taken(text: str) -> None:
    credential(text, "bearer")
    media_type(text)
