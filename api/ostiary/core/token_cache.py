"""Credentials that were verified a moment ago, so that a busy client costs no verification on each request."""

from collections import OrderedDict

from ostiary.core.clock import Clock
from ostiary.core.principal import Principal


class TokenCache:
    """Principals by their credential, each until a moment of its own, at most `most` of them.

    By the credential itself: to digest it on each request costs more than the room it takes, and whoever reads the
    memory of this process finds the signing keys beside it.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, credential: str) -> Principal | None:
        """Return whom `credential` stands for, if that is remembered and still holds."""
        known = self._known.get(credential)
        if known is None:
            return None
        until, principal = known
        if self._clock.timestamp() < until:
            return principal
        del self._known[credential]
        return None

    def put(self, credential: str, until: float, principal: Principal) -> None:
        """Remember it up to `until`, in seconds since 1970-01-01 UTC; the oldest goes if there are too many."""
        self._known[credential] = (until, principal)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, credential: str) -> None:
        """Forget it, if it is known."""
        self._known.pop(credential, None)
