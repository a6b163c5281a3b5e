"""Addresses: which lead to this machine alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.addresses import is_loopback, without_port

HERE = ["localhost", "LOCALHOST", "127.0.0.1", "127.255.0.9", "::1", "[::1]", "0:0:0:0:0:0:0:1"]
NAMED_LIKE_IT = ["localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "127.0.0.1 "]
ELSEWHERE = ["", "[", "0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.1", "0x7f000001", "2130706433", "evil.example"]


@pytest.mark.parametrize("host", HERE)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [*ELSEWHERE, *NAMED_LIKE_IT])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("localhost:8000", "localhost"),
        ("localhost", "localhost"),
        ("localhost:", "localhost"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("", ""),
        ("evil.example:localhost", "evil.example:localhost"),
        ("localhost:\xb2", "localhost:\xb2"),
        ("localhost:१", "localhost:१"),
    ],
)
def test_the_host_without_its_port(authority: str, host: str) -> None:
    assert without_port(authority) == host


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(is_loopback(without_port(text)), bool)
