"""How an idempotency key is written."""

import pytest

from ostiary.core.idempotency import IDEMPOTENCY_KEY_MALFORMED, read_key
from ostiary.core.problems import Problem


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("a", "a"),
        ('" "', " "),
        ('"a b"', "a b"),
        (r'"\"\\"', '"\\'),
        ("k" * 128, "k" * 128),
        (f'"{"k" * 128}"', "k" * 128),
        ('"' + r"\"" * 128 + '"', '"' * 128),
        ("[~!#]", "[~!#]"),
    ],
)
def test_both_ways_of_writing_a_key_are_read(written: str, key: str) -> None:
    assert read_key(written) == key


@pytest.mark.parametrize(
    "written",
    [
        "",
        '""',
        '"',
        '"a',
        'a"',
        '"a"b"',
        "a b",
        '"a", "b"',
        '"a";b=1',
        r'"\a"',
        r"a\b",
        "k" * 129,
        f'"{"k" * 129}"',
        "ключ",
        "a\n",
        '"a\tb"',
        "a\x7f",
        ":YWJj:\n",
    ],
)
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(Problem) as refused:
        read_key(written)
    assert refused.value.kind is IDEMPOTENCY_KEY_MALFORMED
