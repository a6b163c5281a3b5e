"""What a worker remembers of the feed."""

from dataclasses import replace

import pytest

from ostiary.core.principal import Principal, mark
from ostiary.features.revocation.memory import Entry, Memory
from tests.support.clock import FakeClock

NOW = int(FakeClock().timestamp())
LIFETIME = 900
USER, SESSION, KID, API_KEY = (f"0199f6a2-6b7e-7c3a-8a51-{number:012d}" for number in range(4))
BEARER = Principal(USER, SESSION, frozenset(), frozenset(), FakeClock().now(), FakeClock().now(), position=5, kid=KID)
PROGRAM = replace(BEARER, session_id=None, kid=None, api_key_id=API_KEY)


def entry(
    position: int, kind: str, subject: str, expires_at: int = NOW + LIFETIME, kept_session: str | None = None
) -> Entry:
    return position, kind, subject, expires_at, kept_session


@pytest.mark.parametrize(
    ("kind", "subject", "position", "bearer", "program"),
    [
        ("session", SESSION, 3, False, True),  # once ended, a session has ended for every token
        ("session", SESSION, 9, False, True),
        ("session", USER, 9, True, True),
        ("key", KID, 9, False, True),
        ("api_key", API_KEY, 9, True, False),
        ("user", USER, 9, False, False),
        ("user", USER, 5, True, True),  # what was issued at this position knew of it
        ("user", USER, 3, True, True),
        ("user", SESSION, 9, True, True),
        ("everyone", "everyone", 9, False, False),
        ("everyone", "everyone", 5, True, True),
        ("keys", "keys", 9, True, True),
    ],
)
def test_an_entry_stands_against_those_whom_it_concerns(
    kind: str, subject: str, position: int, bearer: bool, program: bool
) -> None:
    memory = Memory(LIFETIME)
    memory.add([entry(position, kind, subject), entry(20, "keys", "keys")])
    assert (memory.allows(BEARER), memory.allows(PROGRAM)) == (bearer, program)
    assert memory.position == 20


def test_the_last_of_several_entries_of_a_user_counts() -> None:
    memory = Memory(LIFETIME)
    memory.add([entry(6, "user", USER, NOW + 10), entry(9, "user", USER, NOW + 800)])
    assert not memory.allows(replace(BEARER, position=7))
    assert memory.allows(replace(BEARER, position=9))


def test_what_has_expired_is_forgotten_and_nothing_before() -> None:
    memory = Memory(LIFETIME)
    memory.add(
        [entry(number, "session", SESSION if number == 50 else f"{number}", NOW + number) for number in range(100)]
    )
    for ahead in range(0, 2 * LIFETIME, 7):
        memory.forget(NOW + ahead)
        if ahead < 50:
            assert not memory.allows(BEARER)
    assert len(memory) == 0
    assert memory.allows(BEARER)


def test_memory_is_bounded_by_what_can_still_be_used() -> None:
    memory = Memory(LIFETIME)
    most = 0
    for second in range(4 * LIFETIME):
        memory.add([entry(second, "session", f"{second}", NOW + second + LIFETIME)])
        memory.forget(NOW + second)
        most = max(most, len(memory))
    assert most <= LIFETIME * 1.25 + 1


def test_the_mark_of_a_uuid_is_its_value_and_others_have_one_of_their_own() -> None:
    assert mark(USER) == int(USER.replace("-", ""), 16)
    assert mark("a key made elsewhere") != mark("another")
    assert mark("a key made elsewhere") < 1 << 128
    assert mark(USER.upper()) != mark(USER)


OTHER = "0199f6a2-6b7e-7c3a-8a51-000000000009"


@pytest.mark.parametrize(
    ("entries", "kept", "other"),
    [
        ([(9, SESSION)], True, False),
        ([(9, OTHER)], False, True),
        ([(9, SESSION), (10, SESSION)], True, False),
        ([(9, None), (10, SESSION)], False, False),
        ([(9, SESSION), (10, None)], False, False),
        ([(9, SESSION), (10, OTHER)], False, False),
        ([(3, None), (9, SESSION)], True, False),  # the first was before the token
        ([(5, OTHER), (9, SESSION)], True, False),
    ],
)
def test_an_entry_of_a_user_may_keep_one_session(
    entries: list[tuple[int, str | None]], kept: bool, other: bool
) -> None:
    memory = Memory(LIFETIME)
    memory.add([entry(position, "user", USER, kept_session=session) for position, session in entries])
    assert memory.allows(BEARER) is kept
    assert memory.allows(replace(BEARER, session_id=OTHER)) is other
    assert memory.allows(PROGRAM) is False  # an API key is looked up anew


def test_of_a_token_from_beyond_the_last_entry_memory_says_nothing() -> None:
    memory = Memory(LIFETIME)
    memory.add([entry(4, "keys", "keys")])
    assert memory.allows(BEARER) is None
    memory.add([entry(5, "keys", "keys")])
    assert memory.allows(BEARER) is True
