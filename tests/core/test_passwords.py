"""Passwords: verified exactly as typed, rehashed when parameters change, as slow for nobody as for somebody."""

import asyncio
import time
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.common_passwords import is_common, is_guessable
from ostiary.core.hash_pool import HashPool
from ostiary.core.passwords import OWASP_MINIMA, Argon2Parameters, Passwords, Verification

CHEAP = Argon2Parameters(8, 1, 1)
MATCH = Verification(matches=True)
NO_MATCH = Verification(matches=False)


def run(parameters: Argon2Parameters, scenario: Any) -> Any:
    async def within() -> Any:
        pool = HashPool(1, 8)
        try:
            return await scenario(Passwords(parameters, pool))
        finally:
            pool.close()

    return asyncio.run(within())


def hashed(password: str, parameters: Argon2Parameters = CHEAP) -> str:
    stored: str = run(parameters, lambda passwords: passwords.hash(password))
    return stored


def verified(password: str, stored: str, parameters: Argon2Parameters = CHEAP) -> Verification:
    found: Verification = run(parameters, lambda passwords: passwords.verify(password, stored))
    return found


def test_the_right_password_matches_and_a_wrong_one_does_not() -> None:
    stored = hashed("correct horse")
    assert verified("correct horse", stored) == MATCH
    assert verified("correct horsf", stored) == NO_MATCH


def test_the_hash_is_argon2id_with_the_given_cost_and_a_salt_of_its_own() -> None:
    first, second = hashed("same", Argon2Parameters(64, 2, 2)), hashed("same", Argon2Parameters(64, 2, 2))
    found = extract_parameters(first)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 64, 2, 2)
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert first != second


@pytest.mark.parametrize(
    "password",
    [
        "nul\0inside",
        "\0" * 8,
        "  spaces at the ends  ",
        "tab\tand\nnewline\r\n",
        "\N{DOOR}\N{KEY}\N{LOCK}\N{OLD KEY}",
        "x" * 1024,
        "\N{DOOR}" * 1024,
        "e\u0301 is not \u00e9",
        "\ufeffbyte order mark",
    ],
)
def test_any_password_is_kept_exactly(password: str) -> None:
    stored = hashed(password)
    assert verified(password, stored) == MATCH
    for other in (password[:-1], password + "\0", password + " ", password.strip() + "!", "!" + password[1:]):
        assert verified(other, stored) == NO_MATCH


def test_the_last_of_1024_characters_counts() -> None:
    stored = hashed("x" * 1023 + "y")
    assert verified("x" * 1024, stored) == NO_MATCH


def test_composed_and_decomposed_letters_are_different_passwords() -> None:
    assert verified("\u00e9" * 8, hashed("e\u0301" * 8)) == NO_MATCH


@settings(max_examples=20)
@given(st.text(max_size=40), st.text(max_size=40))
def test_only_the_same_text_matches(password: str, other: str) -> None:
    assert verified(other, hashed(password)).matches == (other == password)


@pytest.mark.parametrize("former", [Argon2Parameters(16, 1, 1), Argon2Parameters(8, 2, 1), Argon2Parameters(16, 1, 2)])
def test_a_match_of_other_parameters_brings_a_new_hash(former: Argon2Parameters) -> None:
    found = verified("password", hashed("password", former))
    assert found.matches
    assert found.upgraded_hash is not None
    assert verified("password", found.upgraded_hash) == MATCH


def test_a_mismatch_of_other_parameters_brings_none() -> None:
    assert verified("wrong", hashed("password", Argon2Parameters(16, 1, 1))) == NO_MATCH


def test_a_hash_of_argon2i_is_upgraded_to_argon2id() -> None:
    stored = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.I).hash("password")
    found = verified("password", stored)
    assert found.matches
    assert found.upgraded_hash is not None
    assert found.upgraded_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "!",
        "password",
        "$argon2id$",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$",
        "$argon2id$v=19$m=99999999999,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=8,t=1,p=1$not base64!$aGFzaGhhc2hoYXNo",
        "$2b$12$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
        "\N{KEY}" * 20,
    ],
)
def test_a_malformed_stored_hash_matches_nothing(stored: str) -> None:
    assert verified("password", stored) == NO_MATCH


def test_a_truncated_hash_matches_nothing() -> None:
    stored = hashed("password")
    for length in range(len(stored)):
        assert verified("password", stored[:length]) == NO_MATCH, length


def test_an_unknown_name_costs_one_verification_like_a_wrong_password() -> None:
    """Counted in processor time and as the best of several, so that a busy machine does not decide."""
    parameters = Argon2Parameters(4096, 2, 1)

    async def scenario(passwords: Passwords) -> tuple[float, float]:
        stored = await passwords.hash("password")
        await passwords.warm_up()

        async def cost(call: Any) -> float:
            async def once() -> float:
                started = time.process_time()
                await call()
                return time.process_time() - started

            return min([await once() for _ in range(7)])

        return await cost(lambda: passwords.verify("wrong", stored)), await cost(
            lambda: passwords.verify_dummy("wrong")
        )

    wrong, unknown = run(parameters, scenario)
    assert 0.5 < unknown / wrong < 2


def test_the_dummy_verification_has_the_cost_of_the_parameters_and_is_made_once() -> None:
    async def scenario(passwords: Passwords) -> None:
        assert await passwords.verify_dummy("anything") is None
        first = passwords._dummies.own()
        await passwords.warm_up()
        await passwords.verify_dummy("an unknown name is compared with this")
        assert passwords._dummies.of("anybody") == passwords._dummies.own() == first
        assert extract_parameters(first).memory_cost == 16

    run(Argon2Parameters(16, 1, 1), scenario)


def test_unknown_names_have_the_costs_that_known_ones_have_in_the_same_shares() -> None:
    former, present, foreign = (Argon2Parameters(*cost) for cost in ((16, 1, 1), (8, 1, 1), (32, 2, 2)))
    stored = {hashed("x", former): 6, hashed("y", present): 3, hashed("z", foreign): 1, "$2b$12$bcrypt": 9}
    names = [f"nobody-{number}" for number in range(400)]

    async def scenario(passwords: Passwords) -> None:
        dummies = passwords._dummies
        await passwords.learn(stored)
        costs = [cost_of(dummies.of(name)) for name in names]
        shares = {cost: count / len(names) for cost, count in Counter(costs).items()}
        assert shares == pytest.approx({(16, 1, 1): 0.6, (8, 1, 1): 0.3, (32, 2, 2): 0.1}, abs=0.06)
        assert [cost_of(dummies.of(name)) for name in names] == costs
        # Users move on to the present cost, and nobody back; so do unknown names.
        await passwords.learn({one: 1 if "m=16" in one else count for one, count in stored.items()})
        later = [cost_of(dummies.of(name)) for name in names]
        assert Counter(later)[16, 1, 1] < Counter(costs)[16, 1, 1]
        assert all(after == (8, 1, 1) for before, after in zip(costs, later, strict=True) if before == (8, 1, 1))
        await passwords.learn({})
        assert {cost_of(dummies.of(name)) for name in names} == {(8, 1, 1)}

    run(present, scenario)


def test_which_cost_an_unknown_name_has_cannot_be_told_without_the_secret() -> None:
    stored = {hashed("x", Argon2Parameters(16, 1, 1)): 1, hashed("y"): 1}

    async def chosen(passwords: Passwords) -> list[Any]:
        await passwords.learn(stored)
        return [cost_of(passwords._dummies.of(f"nobody-{number}")) for number in range(64)]

    async def scenario(passwords: Passwords) -> None:
        other = Passwords(CHEAP, passwords._pool, "another secret")
        assert await chosen(passwords) != await chosen(other)
        assert await chosen(passwords) == await chosen(Passwords(CHEAP, passwords._pool, ""))

    run(CHEAP, scenario)


def cost_of(stored: str) -> tuple[int, int, int]:
    found = extract_parameters(stored)
    return (found.memory_cost, found.time_cost, found.parallelism)


@pytest.mark.parametrize("pair", OWASP_MINIMA)
def test_owasp_minima_are_enough_and_a_little_less_is_not(pair: tuple[int, int]) -> None:
    memory, passes = pair
    assert Argon2Parameters(memory, passes, 1).meets_owasp
    assert not Argon2Parameters(memory - 1, passes, 1).meets_owasp
    assert not Argon2Parameters(memory, passes - 1, 1).meets_owasp


@pytest.mark.parametrize("password", ["password", "PassWord", "123456", "password123", "Qwerty"])
def test_common_passwords_are_known_regardless_of_case(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize("password", ["", "correct horse battery staple", "password ", "vK7$uTq92;x"])
def test_other_passwords_are_not_common(password: str) -> None:
    assert not is_common(password)


EXPECTED = ("longusername126d6", "ostiary", "id.example.org", "example")


@pytest.mark.parametrize(
    "password",
    [
        *("longusername126d6", "LongUsername126d6", "longusername126d61", "6d621emanresugnol", "LONGUSERNAME126D6!"),
        *("ostiary1", "Ostiary2026!", "0st1ary1", "yraitso1", "ostiaryostiary", "ostiary-password", "ostiaryqwerty"),
        *("id.example.org", "example1", "idexampleorg"),
        *("aaaaaaaa", "abcdefgh", "hgfedcba", "87654321", "11112222", "abcd1234", "abababab", "ABCABCABC", "qwertyui"),
        *("poiuytrewq", "asdfghjkl;", "zxcvbnm123", "1q2w3e4r", "\N{KEY}" * 8),
        *(" password123", "password123!!", "password1234567890", "passwordpassword", "P@ssw0rd!!", "12345678"),
        *("letmein2026", "password\u00a0", "monkey12", "iloveyou!", "\uff50assword", "Dragon1990"),
    ],
)
def test_what_a_guesser_tries_first_is_known(password: str) -> None:
    assert is_guessable(password, EXPECTED)


@pytest.mark.parametrize(
    "password",
    [
        *("correct horse battery staple", "seldom-used-Passphrase-kestrel", "a less common one", "vK7$uTq92;x"),
        *("483920174625", "ostiary and seven geese", "longusername and more", "EW8oRgl-", "x" * 1023 + "y and z"),
    ],
)
def test_what_merely_contains_such_a_word_is_not(password: str) -> None:
    assert not is_guessable(password, EXPECTED)


def test_random_passwords_are_not_guessable() -> None:
    found = [b64encode(sha256(number.to_bytes(2)).digest()).decode()[:10] for number in range(2000)]
    assert [one for one in found if is_guessable(one, EXPECTED)] == []
