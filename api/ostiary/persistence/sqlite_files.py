"""Check that the files of an open SQLite database are still the files at their paths.

A file that was removed, moved or replaced stays open. Writes to it are acknowledged, but they are lost when the process
ends (SQLite, "How To Corrupt An SQLite Database File", section 4).
"""

import os
from pathlib import Path

import structlog

log = structlog.stdlib.get_logger(__name__)

SIDES = ("", "-wal", "-shm")
"""Suffixes of the database's files. The second file holds the latest commits."""

Identity = tuple[int, int] | None


class DatabaseFilesChanged(OSError):
    """A file of the database was removed, moved or replaced while it was open."""


def _identity(name: str) -> Identity:
    try:
        found = os.stat(name)  # noqa: PTH116 - a third of the time of Path.stat
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


class SqliteFiles:
    """The files of one database, for all connections of this process. Safe on any thread. path: the main file."""

    def __init__(self, path: str) -> None:
        self._path = str(Path(path).absolute())
        self._known: Identity = None
        self._changed: str | None = None

    def opened(self) -> dict[str, Identity]:
        """Return the argument of `check` for a connection that has just been opened and has read once.

        Raises DatabaseFilesChanged if the connection opened another file than the first connection of the process.
        """
        found = {self._path + side: _identity(self._path + side) for side in SIDES}
        if self._known is None:
            self._known = found[self._path]
        self._report(None if found[self._path] == self._known else self._path)
        return found

    def check(self, opened: dict[str, Identity]) -> None:
        """Raise DatabaseFilesChanged unless every path still leads to the file that was opened. Takes a few µs."""
        changed = next((name for name, identity in opened.items() if _identity(name) != identity), None)
        if changed is not None or self._changed is not None:
            self._report(changed)

    def is_same(self) -> bool:
        """Return whether the path of the database still leads to the file that was opened first."""
        return self._known is None or _identity(self._path) == self._known

    def _report(self, changed: str | None) -> None:
        before, self._changed = self._changed, changed
        if changed is None:
            if before is not None:
                log.warning("the database's files are back", file=before)
            return
        if changed != before:
            log.error(
                "a file of the database was removed, moved or replaced under the running server; nothing is written "
                "until it is back: put it back, or stop the server, restore a complete database and start the server",
                file=changed,
            )
        raise DatabaseFilesChanged(f"{changed} was removed, moved or replaced under the running server")
