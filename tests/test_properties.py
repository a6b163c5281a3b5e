"""Properties that hold for any text: user names, and the strict reading of JSON."""

import json
import math
import unicodedata
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.core.names import PATTERN as USERNAME_PATTERN
from ostiary.core.names import fault, is_possible
from ostiary.core.names import key as username_key
from ostiary.core.problems import MALFORMED_JSON, Problem
from ostiary.web.json_body import parse
from ostiary.web.json_shape import MAX_DEPTH

PATTERN = jsonschema_rs.Draft202012Validator({"type": "string", "pattern": USERNAME_PATTERN})
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.from_regex(USERNAME_PATTERN.removesuffix("$") + r"\Z").filter(is_possible)


@given(TEXT.filter(lambda text: not any(unicodedata.category(one) == "Cf" for one in text)))
@example("Stra\u00dfe")
@example("\u0130stanbul")
@example("\ufb01\u212b\u2126")
@example("\u0345\u0399\u1fb3")
def test_a_key_of_a_key_is_itself(name: str) -> None:
    assert username_key(username_key(name)) == username_key(name)


@given(TEXT)
def test_names_that_differ_in_case_alone_have_one_key(name: str) -> None:
    folded = unicodedata.normalize("NFKC", name).casefold()
    assert username_key(folded) == username_key(name)


@given(st.text(st.characters(max_codepoint=127)))
def test_an_ascii_name_in_any_case_has_one_key(name: str) -> None:
    assert username_key(name.upper()) == username_key(name.lower()) == username_key(name.swapcase())


@given(TEXT)
def test_the_forms_of_unicode_have_one_key(name: str) -> None:
    keys = {username_key(unicodedata.normalize(form, name)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert keys == {username_key(name)}


@given(st.text(st.characters(codec="ascii", categories=["L", "N"])), st.integers(0, 5))
def test_what_nobody_sees_does_not_make_another_name(name: str, at: int) -> None:
    assert username_key(name[:at] + "\u200b\u2060\U000e0041" + name[at:]) == username_key(name)


@given(TEXT | NAMES | st.text(st.characters(codec="ascii"), min_size=3, max_size=64))
@example("abc\n")
@example("abc")
@example("ab")
@example("a" * 64)
@example("a" * 65)
@example("\N{DOOR}" * 3)
@example("\N{DOOR}" * 64)
@example("\N{DOOR}" * 65)
@example("a\u200db")
def test_the_server_takes_no_name_that_the_contract_does_not_take(name: str) -> None:
    assert is_possible(name) == PATTERN.is_valid(name)
    assert fault(name) is not None or is_possible(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def refused(raw: bytes) -> str:
    with pytest.raises(Problem) as error:
        parse(raw)
    assert error.value.kind is MALFORMED_JSON
    return error.value.detail


@given(JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_what_json_writes_is_read_to_the_same_value(value: Any, escaped: bool, indent: Any) -> None:
    assert parse(json.dumps(value, ensure_ascii=escaped, indent=indent).encode()) == value


def expected(raw: bytes) -> Any:
    """What Python's reader makes of `raw`, without what ours refuses: raises ValueError or RecursionError."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("duplicate")
        return dict(pairs)

    def constant(name: str) -> Any:
        raise ValueError(name)

    value = json.loads(raw.decode("utf-8"), object_pairs_hook=members, parse_constant=constant)
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates
    if depth(value) > MAX_DEPTH:
        raise ValueError("depth")
    return value


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


FRAGMENTS = ["{", "}", "[", "]", ",", ":", '"a"', '"b"', "1", "-", "1e5", "1e999", "NaN", "Infinity", "true", "null"]
FRAGMENTS += [" ", "\n", '"\\ud800"', '"\\ud83d\\udeaa"', "\ufeff", '"\x01"', "\x00", "0" * 5, "9" * 5000, "[" * 31]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join).map(str.encode) | st.binary(max_size=40))
@example(b"")
@example(b'{"a":1,"a":1}')
@example(b'{"a":{"b":1,"b":2}}')
@example(b'{"\\u0061":1,"a":2}')
@example(b"\xef\xbb\xbf{}")
@example(b'"\xed\xa0\x80"')
@example(b"[" * 100_000)
def test_it_reads_what_json_reads_but_for_the_documented_refusals(raw: bytes) -> None:
    try:
        value = expected(raw)
    except (ValueError, RecursionError):
        refused(raw)
    else:
        found = parse(raw)
        assert found == value
        assert repr(found) == repr(value)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_bounded_exactly(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    deepest = opening * (MAX_DEPTH - 1) + "[]" + closing * (MAX_DEPTH - 1)
    assert depth(parse(deepest.encode())) == MAX_DEPTH
    assert "levels deep" in refused((opening + deepest + closing).encode())


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a":1,"a":1}', "two members of the same name"),
        (b"NaN", "NaN is not a JSON value"),
        (b"[-Infinity]", "-Infinity is not a JSON value"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udfff":1}', "lone surrogate"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b"{", "at character 1"),
        (b"9" * 5000, "a number too long"),
        (b"[" * 100_000, "too deep"),
    ],
)
def test_a_refusal_says_what_is_wrong(raw: bytes, told: str) -> None:
    assert told in refused(raw)


def test_a_number_beyond_the_range_is_infinite_as_python_reads_it() -> None:
    assert math.isinf(parse(b"1e999"))
