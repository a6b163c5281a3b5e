"""The files of an open SQLite database: are they still the ones that their names lead to?

A file that was removed, moved or replaced stays open. What is written to it then is acknowledged, and lost with the
process (SQLite, "How To Corrupt An SQLite Database File", section 4).
"""

import os
from pathlib import Path

import structlog

log = structlog.stdlib.get_logger(__name__)

SIDES = ("", "-wal", "-shm")
"""What is added to the name of the database: its files. The second holds what was committed last."""

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
    """The files of one database, for all connections of this process; used on any thread. path: its first file."""

    def __init__(self, path: str) -> None:
        self._path = str(Path(path).absolute())
        self._known: Identity = None
        self._changed: str | None = None

    def opened(self) -> dict[str, Identity]:
        """Return what `check` takes, for a connection that was opened and has read just now.

        Raises DatabaseFilesChanged if it has opened another file than the process's first connection.
        """
        found = {self._path + side: _identity(self._path + side) for side in SIDES}
        if self._known is None:
            self._known = found[self._path]
        self._report(None if found[self._path] == self._known else self._path)
        return found

    def check(self, opened: dict[str, Identity]) -> None:
        """Return if each name leads to the file that was opened under it, in some µs; raises DatabaseFilesChanged."""
        changed = next((name for name, identity in opened.items() if _identity(name) != identity), None)
        if changed is not None or self._changed is not None:
            self._report(changed)

    def is_same(self) -> bool:
        """Return whether the name of the database leads to the file that was opened first."""
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
                "until it is back: put the file back, or stop the server, put a whole database in place and start it",
                file=changed,
            )
        raise DatabaseFilesChanged(f"{changed} was removed, moved or replaced under the running server")
