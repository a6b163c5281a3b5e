"""Dummy hashes for unknown names, so that checking an unknown name takes as long as checking a known one.

A stored hash is verified at its own cost. After a change of the argon2 settings, users have hashes of several costs
until each user has logged in. So unknown names get hashes of these costs in the same shares. A keyed digest of the name
selects the hash. Each name always gets the same hash, as a user does, and nobody without the key can predict it.
"""

import hmac
from collections import Counter
from collections.abc import Mapping

from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, InvalidHashError

from ostiary.core.sealing import derive

_DIGEST_BYTES = 8


class DummyHashes:
    """Dummy hashes with the costs of the stored hashes. Before `learn` is called, they have only the present cost.

    secret: selects a cost for each name.
    """

    def __init__(self, parameters: Parameters, secret: str) -> None:
        self._parameters = parameters
        self._key = derive(secret, "cost of unknown names")
        self._made: dict[str, str] = {}
        self._shares: list[tuple[float, str]] = []

    def learn(self, stored: Mapping[str, int]) -> None:
        """Set the shares of costs. stored: an example hash of each cost with the number of such hashes.

        Hashes that are not from argon2 are ignored. A dummy is created for each new cost, which takes as long as a
        verification.
        """
        counts: Counter[str] = Counter()
        for example, count in stored.items():
            parameters = _parameters_of(example)
            if parameters is not None and self._make(parameters):
                counts[str(parameters)] += count
        # The present cost comes last. As users move to it, unknown names move, too, each of them once.
        in_order = sorted(counts, key=lambda one: (one == str(self._parameters), one))
        up_to, shares = 0, []
        for cost in in_order:
            up_to += counts[cost]
            shares.append((up_to / counts.total(), self._made[cost]))
        self._shares = shares

    def own(self) -> str:
        """Return the dummy of the present cost. The first call creates it."""
        cost = str(self._parameters)
        if cost not in self._made:
            self._made[cost] = _hashed(self._parameters)
        return self._made[cost]

    def of(self, name: str) -> str:
        """Return the dummy hash for the unknown `name`."""
        digest = hmac.digest(self._key, name.encode(errors="surrogatepass"), "sha256")[:_DIGEST_BYTES]
        share = int.from_bytes(digest) / 256**_DIGEST_BYTES
        return next((dummy for up_to, dummy in self._shares if share < up_to), None) or self.own()

    def _make(self, parameters: Parameters) -> bool:
        """Create the dummy of a cost if there is none; return whether there is one now."""
        if str(parameters) not in self._made:
            try:
                self._made[str(parameters)] = _hashed(parameters)
            except HashingError:  # not enough memory, so such a hash could not be verified either
                return False
        return True


def _hashed(parameters: Parameters) -> str:
    return PasswordHasher.from_parameters(parameters).hash("an unknown name is compared with this")


def _parameters_of(stored: str) -> Parameters | None:
    try:
        return extract_parameters(stored)
    except InvalidHashError:
        return None
