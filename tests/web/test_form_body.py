"""Forms are read one way only."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.problems import Problem
from ostiary.web.form_body import parse
from ostiary.web.urlencoded import MAX_PARAMETERS
from tests.conftest import App
from tests.support.clients import FORM, new_client

KNOWN = {"token", "token_type_hint"}


def refused(raw: bytes) -> str:
    with pytest.raises(Problem) as raised:
        parse(raw, KNOWN)
    assert raised.value.kind.code == "invalid_request"
    return raised.value.detail


@pytest.mark.parametrize(
    ("raw", "parameters"),
    [
        (b"", {}),
        (b"token=abc", {"token": "abc"}),
        (b"token=abc&token_type_hint=x", {"token": "abc", "token_type_hint": "x"}),
        (b"token=a+b%20c%2B%26%3D", {"token": "a b c+&="}),
        (b"token=%C3%A9%00", {"token": "\u00e9\0"}),
        (b"token=a=b", {"token": "a=b"}),
        (b"to%6ben=abc", {"token": "abc"}),
        (b"token=&other", {}),
        (b"a[]=1&token=a&a[]=2&a.b=2&&=&", {"token": "a"}),
    ],
)
def test_parameters_are_decoded_and_those_without_a_value_left_out(raw: bytes, parameters: dict[str, str]) -> None:
    assert parse(raw, KNOWN) == parameters


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"token=a&token=a", "twice"),
        (b"token=a&token=", "twice"),
        (b"token=a&to%6Ben=b", "twice"),
        (b"token=%", "hexadecimal"),
        (b"token=%2", "hexadecimal"),
        (b"token=%zz", "hexadecimal"),
        (b"%u0041=1", "hexadecimal"),
        (b"token=\xc3\xa9", "UTF-8"),
        (b"token=%ff", "UTF-8"),
        (b"token=%ED%A0%80", "UTF-8"),
        (b"%C0%AF=1", "UTF-8"),
        (b"&".join(b"a%d=1" % number for number in range(MAX_PARAMETERS + 1)), "parameters"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(raw: bytes, why: str) -> None:
    assert why in refused(raw)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=MAX_PARAMETERS))
def test_what_is_written_is_read(parameters: dict[str, str]) -> None:
    assert parse(urlencode(parameters).encode(), parameters) == parameters


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Problem):
        parse(raw, KNOWN)


@pytest.fixture
def post(sqlite_app: App) -> Iterator:
    headers = new_client(sqlite_app)

    def send(raw: bytes, content_type: str = FORM, **more: str):
        return sqlite_app.client.post("/oauth/revoke", data=raw, content_type=content_type, headers=headers | more)

    return send


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=UTF-8", FORM.upper(), f'{FORM};charset="utf-8"'])
def test_a_form_is_taken(post, content_type: str) -> None:
    assert post(b"token=x&unknown=ignored", content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "text/plain", "multipart/form-data; boundary=x", f"{FORM}; charset=latin-1"],
)
def test_another_content_type_is_refused(post, content_type: str) -> None:
    answer = post(b"token=x", content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert FORM in answer.json["detail"]


def test_a_content_coding_is_refused(post) -> None:
    assert post(b"token=x", **{"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"", "token:"),
        (b"token=", "token:"),
        (b"token_type_hint=access_token", "token:"),
        (b"token=" + b"x" * 16385, "token:"),
        (b"token=x&token_type_hint=" + b"x" * 257, "token_type_hint:"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(post, raw: bytes, named: str) -> None:
    answer = post(raw)
    assert (answer.status_code, answer.json["code"], answer.json["error"]) == (400, *["invalid_request"] * 2)
    assert named in answer.json["detail"]


def test_the_longest_token_fits(post) -> None:
    assert post(b"token=" + b"x" * 16384).status_code == 200
    assert post(b"token=" + b"%20" * 16384).status_code == 200


def test_a_body_that_is_too_large_is_not_read(post) -> None:
    assert post(b"token=" + b"x" * 65536).status_code == 413
