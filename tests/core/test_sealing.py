"""Sealing: opened by the same secret, purpose and context, unaltered; by nothing else."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.randomness import SystemRandomness
from ostiary.core.sealing import Sealer, Unsealable, derive, digest

SECRET = "a secret of thirty-two characters"


def sealer(secret: str = SECRET, purpose: str = "tests") -> Sealer:
    return Sealer(secret, purpose, SystemRandomness())


@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_can_be_unsealed(plain: bytes, context: str) -> None:
    assert sealer().unseal(sealer().seal(plain, context), context) == plain


@pytest.mark.parametrize(
    ("opener", "context"),
    [
        (sealer(secret=SECRET + " "), "row 1"),
        (sealer(secret=SECRET.upper()), "row 1"),
        (sealer(purpose="another"), "row 1"),
        (sealer(), "row 2"),
        (sealer(), ""),
    ],
    ids=["longer secret", "other secret", "other purpose", "other context", "no context"],
)
def test_another_secret_purpose_or_context_opens_nothing(opener: Sealer, context: str) -> None:
    with pytest.raises(Unsealable):
        opener.unseal(sealer().seal(b"private", "row 1"), context)


def test_any_altered_byte_is_noticed() -> None:
    sealed = sealer().seal(b"private", "row")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(Unsealable):
            sealer().unseal(bytes(altered), "row")


def test_anything_cut_off_or_added_is_noticed() -> None:
    sealed = sealer().seal(b"private", "row")
    for altered in [sealed[:length] for length in range(len(sealed))] + [sealed + b"\0", sealed[1:]]:
        with pytest.raises(Unsealable):
            sealer().unseal(altered, "row")


def test_the_same_value_is_sealed_differently_each_time_and_not_readable() -> None:
    first, second = sealer().seal(b"private", "row"), sealer().seal(b"private", "row")
    assert first != second
    assert b"private" not in first


def test_a_digest_is_sha_256_in_hexadecimal() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_what_is_derived_is_hkdf_and_differs_with_secret_and_purpose() -> None:
    # Computed by RFC 5869 with HMAC-SHA256, an empty salt and the info "ostiary tests".
    extracted = hmac.digest(bytes(32), SECRET.encode(), "sha256")
    assert derive(SECRET, "tests") == hmac.digest(extracted, b"ostiary tests\x01", "sha256")
    assert len({derive(SECRET, "tests"), derive(SECRET, "others"), derive(SECRET + " ", "tests")}) == 3
