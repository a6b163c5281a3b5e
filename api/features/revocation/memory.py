"""What a worker remembers of the revocation feed."""

from collections.abc import Iterable

from api.core.principal import Principal, mark

Entry = tuple[int, str, str, int]
"""Position, kind, subject, and when it expires, in seconds since 1970-01-01 UTC."""

SPANS = 4
"""Into how many spans of time the longest life of an access token is divided: each is forgotten as a whole."""


class _Span:
    """The entries that expire within one span of time."""

    __slots__ = ("credentials", "users")

    def __init__(self) -> None:
        self.credentials: set[int] = set()
        self.users: dict[int, int] = {}


class Memory:
    """The entries that have not expired. `lifetime`: the longest life of an access token, in seconds.

    An entry for a session, a signing key or an API key takes 128 bits in a set; those of users have the position
    beside. They are kept by the time at which they expire, so that forgetting costs nothing to speak of and no entry is
    kept for more than a fourth of `lifetime` longer than it needs to be.
    """

    def __init__(self, lifetime: int) -> None:
        self._width = max(1, lifetime // SPANS)
        self._spans: dict[int, _Span] = {}
        self._floor = 0
        self.position = 0
        """That of the last entry."""

    def __len__(self) -> int:
        return sum(len(span.credentials) + len(span.users) for span in self._spans.values())

    def add(self, entries: Iterable[Entry]) -> None:
        """Remember `entries`, which come in their order."""
        for position, kind, subject, expires_at in entries:
            self.position = position
            if kind == "everyone":
                self._floor = position
                continue
            number = expires_at // self._width + 1
            span = self._spans.get(number)
            if span is None:
                span = self._spans[number] = _Span()
            if kind == "user":
                span.users[mark(subject)] = position
            else:
                span.credentials.add(mark(subject))

    def forget(self, now: float) -> None:
        """Forget what has expired at `now`, in seconds since 1970-01-01 UTC."""
        for number in [number for number in self._spans if number * self._width <= now]:
            del self._spans[number]

    def allows(self, bearer: Principal) -> bool:
        """Return whether no entry stands against `bearer`."""
        position = bearer.position
        if position < self._floor:
            return False
        for span in self._spans.values():
            if not span.credentials.isdisjoint(bearer.credential_marks):
                return False
            if span.users.get(bearer.user_mark, -1) > position:
                return False
        return True
