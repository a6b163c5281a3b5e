"""Who else follows the feed, and who of them must know an entry before its writer may answer."""

from collections.abc import Collection


class Listeners:
    """The workers that listen, as one of them knows them.

    patience: seconds for which a worker trusts its memory after it has last heard from the database. One whose
    connection is gone may not have noticed yet, so it is remembered for as long.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._positions: dict[str, int] = {}
        self._gone: dict[str, float] = {}
        self._left: set[str] = set()

    def know(self, name: str, position: int) -> None:
        """Take down that `name` knows the entry at `position` and all before."""
        self._positions[name] = position
        self._left.discard(name)

    def left(self, name: str) -> None:
        """Take down that `name` has said it ends, though its connection may still be listed for a moment."""
        self._left.add(name)
        self._forget(name)

    def listed(self, names: Collection[str], now: float) -> None:
        """Take down which connections there are; `now`: the loop's time once that was told, in seconds."""
        self._left.intersection_update(names)
        for name in set(names) - self._left:
            self._positions.setdefault(name, 0)
            self._gone.pop(name, None)
        for name in self._positions.keys() - set(names):
            if now >= self._gone.setdefault(name, now + self._patience):
                self._forget(name)

    def _forget(self, name: str) -> None:
        self._positions.pop(name, None)
        self._gone.pop(name, None)

    def wait_until(self, position: int) -> float | None:
        """Return the time until which to wait for those who do not know the entry at `position` yet.

        None: nobody has to be waited for. Infinity: there is one whose connection stands.
        """
        behind = [name for name, known in self._positions.items() if known < position]
        return min((self._gone.get(name, float("inf")) for name in behind), default=None)
