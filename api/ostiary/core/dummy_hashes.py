"""What an unknown name is verified against, so that it costs what a known one costs.

A stored hash is verified at its own cost. After the settings of argon2 have changed, users have hashes of several costs
until each has logged in; so unknown names have them, too, in the same shares. Which one a name has follows from a keyed
digest of it: it is always the same one, as a user's is, and nobody without the key can tell which.
"""

import hmac
from collections import Counter
from collections.abc import Mapping

from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, InvalidHashError

from ostiary.core.sealing import derive

_DIGEST_BYTES = 8


class DummyHashes:
    """Dummy hashes of the costs that the stored ones have; of the present cost alone until `learn` was called.

    secret: chooses a cost for each name.
    """

    def __init__(self, parameters: Parameters, secret: str) -> None:
        self._parameters = parameters
        self._key = derive(secret, "cost of unknown names")
        self._made: dict[str, str] = {}
        self._shares: list[tuple[float, str]] = []

    def learn(self, stored: Mapping[str, int]) -> None:
        """Take over how many stored hashes have the cost of each hash in `stored`; what is none of argon2 is left out.

        Makes a dummy of each new cost, which takes as long as a verification.
        """
        counts: Counter[str] = Counter()
        for example, count in stored.items():
            parameters = _parameters_of(example)
            if parameters is not None and self._make(parameters):
                counts[str(parameters)] += count
        # The present cost comes last: as users move on to it, so do unknown names, each of them once.
        in_order = sorted(counts, key=lambda one: (one == str(self._parameters), one))
        up_to, shares = 0, []
        for cost in in_order:
            up_to += counts[cost]
            shares.append((up_to / counts.total(), self._made[cost]))
        self._shares = shares

    def own(self) -> str:
        """Return the dummy of the present cost, made with the first call."""
        cost = str(self._parameters)
        if cost not in self._made:
            self._made[cost] = _hashed(self._parameters)
        return self._made[cost]

    def of(self, name: str) -> str:
        """Return the dummy that `name`, which nobody has, is verified against."""
        digest = hmac.digest(self._key, name.encode(errors="surrogatepass"), "sha256")[:_DIGEST_BYTES]
        share = int.from_bytes(digest) / 256**_DIGEST_BYTES
        return next((dummy for up_to, dummy in self._shares if share < up_to), None) or self.own()

    def _make(self, parameters: Parameters) -> bool:
        """Make the dummy of a cost, if there is none; return whether there is one now."""
        if str(parameters) not in self._made:
            try:
                self._made[str(parameters)] = _hashed(parameters)
            except HashingError:  # more memory than there is: no such hash can be verified either
                return False
        return True


def _hashed(parameters: Parameters) -> str:
    return PasswordHasher.from_parameters(parameters).hash("an unknown name is compared with this")


def _parameters_of(stored: str) -> Parameters | None:
    try:
        return extract_parameters(stored)
    except InvalidHashError:
        return None
