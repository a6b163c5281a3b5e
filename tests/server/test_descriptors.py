"""The limit of open files is raised, told, and kept away from by the connections."""

import json
import resource
from contextlib import ExitStack

import pytest

from ostiary.server.descriptors import MAX_DESCRIPTORS, connections_for, raise_limit
from tests.server.conftest import Start
from tests.support.raw_http import connect, get, request


def _with_limits(how: str) -> list[str]:
    return ["sh", "-c", f'{how}; exec "$@"', "sh"]


@pytest.mark.parametrize(
    ("limit", "reserve", "connections"),
    [
        (128, 0, 64),
        (64, 0, 32),
        (2, 0, 1),
        (256, 0, 128),
        (1024, 0, 896),
        (1024, 300, 724),
        (1024, 5000, 512),
        (65_536, 0, 57_344),
        (0, 0, 0),
    ],
)
def test_connections_stay_below_the_limit_and_above_zero(limit: int, reserve: int, connections: int) -> None:
    assert connections_for(limit, reserve) == connections


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits of a pretended system; the last one holds."""
    found = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: found[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, wanted: found.append(wanted))
    return found


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        (1024, 4096, 4096),
        (1024, resource.RLIM_INFINITY, MAX_DESCRIPTORS),
        (1024, 1_000_000_000, MAX_DESCRIPTORS),
    ],
)
def test_the_limit_is_raised_to_the_hard_one_or_to_what_is_sane(
    limits: list[tuple[int, int]], soft: int, hard: int, raised: int
) -> None:
    limits.append((soft, hard))

    assert raise_limit() == raised
    assert limits[-1] == (raised, hard)


@pytest.mark.parametrize(
    ("soft", "found"), [(4096, 4096), (1_000_000, 1_000_000), (resource.RLIM_INFINITY, MAX_DESCRIPTORS)]
)
def test_a_limit_that_is_high_enough_is_left_alone(limits: list[tuple[int, int]], soft: int, found: int) -> None:
    limits.append((soft, max(soft, 4096) if soft != resource.RLIM_INFINITY else soft))
    before = list(limits)

    assert raise_limit() == min(found, MAX_DESCRIPTORS)
    assert limits == before


def test_a_limit_that_cannot_be_raised_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_which: int, _wanted: tuple[int, int]) -> None:
        raise ValueError("not permitted")

    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert raise_limit() == 1024


def test_the_limit_is_told_in_one_line(serve: Start) -> None:
    server = serve(through=_with_limits("ulimit -Sn 256; ulimit -Hn 4096"))

    assert server.plain_output.count("limit of open files") == 1
    assert "connections_per_worker=3584 limit=4096" in server.plain_output
    assert "few files" not in server.output


def test_a_small_limit_is_warned_of_and_works(serve: Start) -> None:
    server = serve(through=_with_limits("ulimit -n 128"))

    (line,) = [line for line in server.plain_output.splitlines() if "few files may be open" in line]
    assert "connections_per_worker=64 limit=128" in line
    assert "LimitNOFILE" in line
    assert get(server.url, "/sleep/0.0") == "slept"
    assert server.stop() == 0


def test_idle_connections_leave_descriptors_for_everything_else(serve: Start) -> None:
    server = serve("--workers", "1", through=_with_limits("ulimit -n 128"))

    with ExitStack() as stack:
        for _ in range(150):
            connection = stack.enter_context(connect(server.url))
            connection.sendall(request("GET", "/sleep/0.0", close=False))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        state = json.loads(get(server.url, "/state"))
    assert state["files"] < 128 - 32
    assert "Too many open files" not in server.output
