"""Password hashing with argon2id (RFC 9106; parameters of the OWASP Password Storage Cheat Sheet)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from ostiary.core.dummy_hashes import DummyHashes
from ostiary.core.hash_pool import HashPool

OWASP_MINIMA = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))
"""(memory in KiB, passes) pairs that are equally strong according to the OWASP Password Storage Cheat Sheet."""


@dataclass(frozen=True)
class Argon2Parameters:
    """The cost of one hash: memory in KiB, passes over it, lanes computed in parallel."""

    memory_kib: int
    time_cost: int
    parallelism: int

    @property
    def meets_owasp(self) -> bool:
        """Whether the cost is at least one of the OWASP minima."""
        return any(self.memory_kib >= memory and self.time_cost >= passes for memory, passes in OWASP_MINIMA)


@dataclass(frozen=True)
class Verification:
    """Whether a password was right, and the hash to store in place of an outdated one."""

    matches: bool
    upgraded_hash: str | None = None


class Passwords:
    """Hashes and verifies passwords on a bounded pool of threads. secret: see `DummyHashes`."""

    def __init__(self, parameters: Argon2Parameters, pool: HashPool, secret: str = "") -> None:
        cost = replace(
            RFC_9106_LOW_MEMORY,
            time_cost=parameters.time_cost,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.parallelism,
        )
        self._hasher = PasswordHasher.from_parameters(cost)
        self._pool = pool
        self._dummies = DummyHashes(cost, secret)

    async def hash(self, password: str) -> str:
        """Return the argon2id hash of `password` in PHC form.

        Raises the problem `overloaded` when too many calls wait.
        """
        return await self._pool.run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, stored_hash: str) -> Verification:
        """Check `password` against `stored_hash`. If it matches and the parameters are outdated, compute a new hash.

        Raises the problem `overloaded` when too many calls wait.
        """
        return await self._pool.run(lambda: self._verify(password, stored_hash))

    async def verify_dummy(self, password: str, name: str = "") -> None:
        """Take as long as a verification, so that an unknown `name` cannot be told from a wrong password.

        Raises the problem `overloaded` when too many calls wait.
        """
        await self._pool.run(lambda: self._verify(password, self._dummies.of(name)))

    async def warm_up(self) -> None:
        """Compute the hash for `verify_dummy` before the first request needs it."""
        await self._pool.run(self._dummies.own)

    async def learn(self, stored: Mapping[str, int]) -> None:
        """Make unknown names cost as much as stored hashes do; see `DummyHashes.learn`.

        Raises the problem `overloaded` when too many calls wait.
        """
        await self._pool.run(lambda: self._dummies.learn(stored))

    def _verify(self, password: str, stored_hash: str) -> Verification:
        try:
            self._hasher.verify(stored_hash, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return Verification(matches=False)
        if self._hasher.check_needs_rehash(stored_hash):
            return Verification(matches=True, upgraded_hash=self._hasher.hash(password))
        return Verification(matches=True)
