"""The rounds of one run: whatever is compared is measured in turn, so that a busy machine is busy for all alike."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import programs
from benchmarks.contenders import Contender, login_bodies
from benchmarks.load import Load, Running, whole_seconds
from benchmarks.measuring import Sample, measure, protected

CONNECTIONS = 32
LOGIN_CONNECTIONS = 8
BUSY_LOGIN_CONNECTIONS = 4
ROUNDS = 5
LOGIN_ROUNDS = 3
ROUND_SECONDS = 4.0
LOGIN_SECONDS = 5.0
WARM_UP_SECONDS = 1.5


@dataclass(frozen=True)
class LoginRound:
    """Logins at Ostiary, and what the machine itself does just before or after.

    hash_rate: argon2 verifications per second. hash_cpu: milliseconds of CPU of each.
    """

    logins: Sample
    hash_rate: float
    hash_cpu: float


@dataclass(frozen=True)
class BusyRound:
    """`GET /protected` by itself and while clients log in. logins: those answered per second meanwhile."""

    connections: int
    alone: Sample
    busy: Sample
    logins: float


def protected_rounds(
    contenders: Sequence[Contender], scale: float, rounds: int = ROUNDS, connections: int = CONNECTIONS
) -> dict[str, list[Sample]]:
    """Return the samples of each contender by its key, a round's at the same index; raises Failed."""
    for contender in contenders:
        contender.check()
        measure(contender, protected(contender, connections, whole_seconds(WARM_UP_SECONDS * scale)))
    samples: dict[str, list[Sample]] = {contender.key: [] for contender in contenders}
    for number in range(rounds):
        shift = number % len(contenders)
        for contender in (*contenders[shift:], *contenders[:shift]):
            sample = measure(contender, protected(contender, connections, whole_seconds(ROUND_SECONDS * scale)))
            samples[contender.key].append(sample)
        for contender in contenders:
            contender.check()
    return samples


def login_rounds(ostiary: Contender, scale: float, rounds: int = LOGIN_ROUNDS) -> list[LoginRound]:
    """Return logins beside the machine's own hash rate; which of the two comes first changes with each round."""
    found = []
    for number in range(rounds):
        hashes = _hashes(scale) if number % 2 == 0 else {}
        sample = measure(ostiary, _logins(ostiary, LOGIN_CONNECTIONS, LOGIN_SECONDS * scale))
        hashes = hashes or _hashes(scale)
        found.append(LoginRound(sample, hashes["rate"], hashes["cpu"]))
    return found


def busy_rounds(ostiary: Contender, scale: float) -> list[BusyRound]:
    """Return what logging in does to `GET /protected`: for one client, and for as many as in the table."""
    found = []
    for connections in (1, CONNECTIONS):
        load = protected(ostiary, connections, whole_seconds(ROUND_SECONDS * scale))
        alone = measure(ostiary, load)
        with Running(_logins(ostiary, BUSY_LOGIN_CONNECTIONS, load.seconds + 2)) as logging_in:
            time.sleep(1)
            busy = measure(ostiary, load)
            logins = logging_in.result()
        if logins.failures:
            raise programs.Failed(f"{logins.failures} logins failed")
        found.append(BusyRound(connections, alone, busy, logins.rate))
    return found


def _logins(ostiary: Contender, connections: int, seconds: float) -> Load:
    return Load(f"{ostiary.url}/login", connections, whole_seconds(seconds), "POST", bodies=login_bodies())


def _hashes(scale: float) -> dict[str, float]:
    told = programs.run_module("benchmarks.hash_rate", {}, str(max(1.0, LOGIN_SECONDS * scale)))
    hashes: dict[str, float] = json.loads(told)
    return hashes
