"""The clock tells UTC; ids sort by time; random values are long enough."""

import re
from datetime import UTC, datetime, timedelta

import time_machine

from ostiary.core.clock import SystemClock
from ostiary.core.randomness import SystemRandomness


def test_the_clock_tells_aware_utc() -> None:
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=UTC), tick=False):
        assert SystemClock().now() == datetime(2026, 11, 23, 12, tzinfo=UTC)
        assert SystemClock().now().utcoffset() == timedelta(0)
        assert SystemClock().timestamp() == datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def test_ids_are_uuids_of_version_7_in_order() -> None:
    ids = [SystemRandomness().new_id() for _ in range(2000)]
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in ids)
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


def test_tokens_are_256_bits_of_base64url() -> None:
    tokens = {SystemRandomness().token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_bytes_are_as_many_as_asked() -> None:
    assert [len(SystemRandomness().bytes(count)) for count in (0, 1, 12, 32)] == [0, 1, 12, 32]
    assert SystemRandomness().bytes(16) != SystemRandomness().bytes(16)
