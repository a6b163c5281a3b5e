"""The form of API keys."""

import re
import string

import pytest

from ostiary.core import api_keys
from ostiary.core.randomness import SystemRandomness

KEY = "ost_Vb0nOZ2Qm5k0V1m3sYF9Z6l4D1b8yWc7tTq2eRj5hGk1xtF81"
"""The one of the contract's example: a scanner for secrets may have this very computation."""


def test_a_new_one_is_well_formed_and_unlike_others() -> None:
    made = {api_keys.new(SystemRandomness()) for _ in range(1000)}
    assert len(made) == 1000
    for key in made:
        assert len(key) == api_keys.LENGTH
        assert re.fullmatch(api_keys.PATTERN, key)
        assert api_keys.is_well_formed(key)


def test_the_checksum_is_as_documented() -> None:
    """CRC-32 in base 62, padded to six digits."""
    assert api_keys.checksum("") == "000000"
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    places = [digits.index(digit) * 62**place for place, digit in enumerate(reversed(api_keys.checksum("123456789")))]
    assert sum(places) == 0xCBF43926  # the check value that catalogues of CRCs give
    assert api_keys.is_well_formed(KEY)


def test_every_mistyped_character_is_noticed() -> None:
    for place in range(len(KEY)):
        for character in string.ascii_letters + string.digits + "-_":
            mistyped = KEY[:place] + character + KEY[place + 1 :]
            assert api_keys.is_well_formed(mistyped) == (mistyped == KEY)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "ost_",
        KEY[:-1],
        KEY + "A",
        KEY + "\n",
        " " + KEY,
        KEY[1:],
        KEY.upper(),
        KEY.replace("k", "\uff4b"),
        "ost_" * 9000,
    ],
)
def test_anything_else_is_none(token: str) -> None:
    assert not api_keys.is_well_formed(token)
