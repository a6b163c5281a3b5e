"""The other workers that follow the feed, and which of them must know an entry before its writer can answer."""

from collections.abc import Collection


class Listeners:
    """The workers that listen, as one of them knows them.

    own: the name of the worker that asks. patience: seconds for which a worker trusts its memory after it has last
    heard from the database. One whose connection is gone may not have noticed yet, so it is remembered for as long.
    """

    def __init__(self, own: str, patience: float) -> None:
        self._own = own
        self._patience = patience
        self._silent: set[str] = set()
        self._positions: dict[str, int] = {}
        self._gone: dict[str, float] = {}
        self._left: set[str] = set()

    def know(self, name: str, position: int) -> None:
        """Record that `name` knows the entry at `position` and all entries before it."""
        self._positions[name] = position
        self._left.discard(name)
        self._silent.discard(name)

    def highest(self) -> int:
        """Return the highest reported position."""
        return max(self._positions.values(), default=0)

    def left(self, name: str) -> None:
        """Record that `name` has announced its end. Its connection may still be listed for a moment."""
        self._left.add(name)
        self._forget(name)

    def listed(self, names: Collection[str], now: float) -> None:
        """Record the current connections. now: the loop's time when they were reported, in seconds."""
        self._left.intersection_update(names)
        for name in set(names) - self._left:
            self._positions.setdefault(name, 0)
            self._gone.pop(name, None)
        for name in self._positions.keys() - set(names):
            if now >= self._gone.setdefault(name, now + self._patience):
                self._forget(name)

    def give_up(self, position: int) -> list[str]:
        """Mark workers that do not know the entry at `position` as silent; return their names.

        They had as long to confirm it as they could trust their memory. This worker does not wait for them again until
        they have spoken.
        """
        silent = [name for name, known in self._positions.items() if known < position and name != self._own]
        self._silent.update(silent)
        return silent

    def given_up(self, name: str, position: int) -> None:
        """Record that another worker has stopped waiting for `name`, which did not know the entry at `position`.

        Such news may be older than what `name` has said since, so the position decides.
        """
        if self._positions.get(name, position) < position and name != self._own:
            self._silent.add(name)

    def _forget(self, name: str) -> None:
        if name == self._own:
            self._silent.clear()  # while this worker does not listen, it can miss messages
        self._silent.discard(name)
        self._positions.pop(name, None)
        self._gone.pop(name, None)

    def wait_until(self, position: int) -> float | None:
        """Return the time until which to wait for workers that do not know the entry at `position` yet.

        None: there is nobody to wait for. Infinity: a worker with an open connection does not know it. Silent workers
        count only until this worker has heard its own message. Messages arrive in the order of the commits. So a worker
        that spoke before the entry was committed has been heard by then, and a worker that speaks later reads the entry
        before it trusts its memory.
        """
        own = self._positions.get(self._own, -1)
        silent = self._silent if own >= position else ()
        behind = [name for name, known in self._positions.items() if known < position and name not in silent]
        return min((self._gone.get(name, float("inf")) for name in behind), default=None)
