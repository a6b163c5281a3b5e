"""Password hashing with argon2id (RFC 9106; parameters of the OWASP Password Storage Cheat Sheet)."""

from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from api.core.hash_pool import HashPool

OWASP_MINIMA = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))
"""(memory in KiB, passes) pairs that the OWASP Password Storage Cheat Sheet holds to be equally strong."""


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
    """Hashes and verifies passwords on a bounded pool of threads."""

    def __init__(self, parameters: Argon2Parameters, pool: HashPool) -> None:
        self._hasher = PasswordHasher(
            time_cost=parameters.time_cost,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.parallelism,
            hash_len=RFC_9106_LOW_MEMORY.hash_len,
            salt_len=RFC_9106_LOW_MEMORY.salt_len,
        )
        self._pool = pool
        self._dummy_hash: str | None = None

    async def hash(self, password: str) -> str:
        """Return the argon2id hash of `password` in PHC form.

        Raises the problem `overloaded` when too many calls wait.
        """
        return await self._pool.run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, stored_hash: str) -> Verification:
        """Check `password` against `stored_hash`; a hash of other parameters is made anew when it matches.

        Raises the problem `overloaded` when too many calls wait.
        """
        return await self._pool.run(lambda: self._verify(password, stored_hash))

    async def verify_dummy(self, password: str) -> None:
        """Spend the time of a verification, so that an unknown name takes as long as a wrong password.

        Raises the problem `overloaded` when too many calls wait.
        """
        await self._pool.run(lambda: self._verify(password, self._dummy()))

    async def warm_up(self) -> None:
        """Make the hash that `verify_dummy` compares with, before the first request needs it."""
        await self._pool.run(self._dummy)

    def _dummy(self) -> str:
        if self._dummy_hash is None:
            self._dummy_hash = self._hasher.hash("an unknown name is compared with this")
        return self._dummy_hash

    def _verify(self, password: str, stored_hash: str) -> Verification:
        try:
            self._hasher.verify(stored_hash, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return Verification(matches=False)
        if self._hasher.check_needs_rehash(stored_hash):
            return Verification(matches=True, upgraded_hash=self._hasher.hash(password))
        return Verification(matches=True)
