"""The revocation feed in the memory of a worker."""

from collections.abc import Iterable

from ostiary.core.principal import Principal, mark

Entry = tuple[int, str, str, int, str | None]
"""Position, kind, subject, when it expires (seconds since 1970-01-01 UTC), and the session of a user that is kept."""

SPANS = 4
"""Into how many spans of time the longest life of an access token is divided: each is forgotten as a whole."""


class _Span:
    """The entries that expire within one span of time."""

    __slots__ = ("credentials", "details", "users")

    def __init__(self) -> None:
        self.credentials: set[int] = set()
        self.users: dict[int, int] = {}
        self.details: dict[int, dict[int | None, int]] = {}
        """Of the users some of whose entries keep a session: the last position for each session that was kept."""

    def end_user(self, user: int, position: int, kept: int | None) -> None:
        """Add an entry for a user."""
        if kept is not None or user in self.details:
            before = self.users.get(user)
            details = self.details.setdefault(user, {} if before is None else {None: before})
            details[kept] = position
        self.users[user] = position

    def keeps(self, bearer: Principal) -> bool:
        """Return whether each later entry for the user keeps the session of `bearer`."""
        details = self.details.get(bearer.user_mark)
        return details is not None and all(
            kept in bearer.credential_marks for kept, position in details.items() if position > bearer.position
        )


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
        for position, kind, subject, expires_at, kept_session in entries:
            self.position = position
            if kind == "everyone":
                self._floor = position
                continue
            number = expires_at // self._width + 1
            span = self._spans.get(number)
            if span is None:
                span = self._spans[number] = _Span()
            if kind == "user":
                span.end_user(mark(subject), position, None if kept_session is None else mark(kept_session))
            else:
                span.credentials.add(mark(subject))

    def forget(self, now: float) -> None:
        """Forget what has expired at `now`, in seconds since 1970-01-01 UTC."""
        for number in [number for number in self._spans if number * self._width <= now]:
            del self._spans[number]

    def allows(self, bearer: Principal) -> bool | None:
        """Return whether no entry stands against `bearer`; None: it was issued at a position that is not known here."""
        position = bearer.position
        if not self._floor <= position <= self.position:
            return None if position > self.position else False
        for span in self._spans.values():
            if not span.credentials.isdisjoint(bearer.credential_marks):
                return False
            if span.users.get(bearer.user_mark, -1) > position and not span.keeps(bearer):
                return False
        return True
