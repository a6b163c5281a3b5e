"""A cache of recently verified credentials, so that a busy client does not cost a verification on each request."""

from collections import OrderedDict

from ostiary.core.clock import Clock
from ostiary.core.principal import Principal


class TokenCache:
    """Principals by their credential, at most `most` of them, each with its own expiry.

    The key is the credential itself. A digest on each request would cost more than the memory that it saves. It would
    not protect anything, because the signing keys are in the memory of the same process.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, credential: str) -> Principal | None:
        """Return the principal of `credential` if it is in the cache and has not expired."""
        known = self._known.get(credential)
        if known is None:
            return None
        until, principal = known
        if self._clock.timestamp() < until:
            return principal
        del self._known[credential]
        return None

    def put(self, credential: str, until: float, principal: Principal) -> None:
        """Keep it up to `until`, in seconds since 1970-01-01 UTC. If the cache is full, remove the oldest entry."""
        self._known[credential] = (until, principal)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, credential: str) -> None:
        """Remove it if it is in the cache."""
        self._known.pop(credential, None)
