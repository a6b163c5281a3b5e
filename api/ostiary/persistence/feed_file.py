"""The file next to an SQLite database that stores how far the history of the database has come.

When an older database is restored, this file is rarely restored to the same moment. So the file proves that the
database went back. A copy of the file is recognised, whether it was copied alone or with its folder: a copy has another
inode number and another birth time. If the copy overwrote the file itself, the time of the last change differs. Nobody
can set that time, so every write to the file stores it at the end.
"""

import ctypes
import os
import struct
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

from ostiary.persistence.number_file import NumberFile

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_FORMAT = struct.Struct(">QQQ16s36sQQQ")
_HISTORY = struct.Struct(">QQ16s")
_HISTORY_AT = 8
"""The offset after the announced position, which `NumberFile` reads and writes."""
_STAMP = struct.Struct(">Q")
_STAMP_AT = _FORMAT.size - _STAMP.size
STAMP_NANOSECONDS = 50 * 10**6
"""Allowed difference between the time stored in the file and its last change. Storing the time changes the file."""
COARSE_NANOSECONDS = 2 * 10**9
"""The same for file systems with a resolution of one or two seconds."""
STAMP_TRIES = 20
"""Maximum attempts to store a time that is near enough. A process may be paused before it writes."""
_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800
_BTIME_AT = 80


@dataclass(frozen=True, slots=True)
class Record:
    """The content of the file. position: the position of the last committed entry. audit, audit_mark: the number of the
    last audit event and 16 characters of its hash. generation: the generation in the database's own row. is_copy:
    whether the file is a copy of the file that Ostiary wrote.
    """

    position: int
    audit: int
    audit_mark: str
    generation: str
    is_copy: bool = False


class FeedFile:
    """The file `path`, which has the same mode and owner as the file `beside`. All methods except those of `announced`
    take locks and may wait for the disk, so call them on a thread.
    """

    def __init__(self, path: Path, beside: Path) -> None:
        self._path = path
        self.announced = NumberFile(path, beside)

    def read(self) -> Record | None:
        """Return the last record; None if there is no file, or if a version before 0.2.0 wrote it."""
        try:
            with self._path.open("rb", buffering=0) as file, _locked(file):
                return _record(file)
        except OSError:
            return None

    def announce(self, position: int) -> None:
        """Set the announced position; raises OSError."""
        self.announced.set(position)
        with self._path.open("r+b", buffering=0) as file, _locked(file):
            if len(_read(file)) == _FORMAT.size:
                _stamp(file)

    def begin(self, announced: int, record: Record) -> None:
        """Replace the content of the file, safe from a power cut; raises OSError."""
        self.announced.set(announced)
        with self._path.open("r+b", buffering=0) as file, _locked(file):
            _write(file, announced, record)
            os.fsync(file.fileno())

    def remember(self, record: Record) -> None:
        """Advance the file to `record` if the generation is the same; raises OSError.

        The file never goes back, because another worker may know more. If somebody removed the file, it is created
        again.
        """
        if not self._path.exists():
            self.announced.set(record.position)
        with self._path.open("r+b", buffering=0) as file, _locked(file):
            before = _record(file)
            if before is None:
                _write(file, int.from_bytes(_read(file)[:_HISTORY_AT]), record)
            elif before.generation == record.generation:
                position = max(before.position, record.position)
                audit, mark = max((before.audit, before.audit_mark), (record.audit, record.audit_mark))
                file.seek(_HISTORY_AT)
                file.write(_HISTORY.pack(position, audit, mark.encode()))
                _stamp(file)


def _read(file: FileIO) -> bytes:
    file.seek(0)
    return file.read(_FORMAT.size)


def _record(file: FileIO) -> Record | None:
    found = _read(file)
    if len(found) < _FORMAT.size:
        return None
    _, position, audit, mark, generation, inode, birth, stamp = _FORMAT.unpack(found)
    is_copy = not _is_same((inode, birth), _origin(file)) or not _is_near(stamp, _changed(file))
    return Record(position, audit, _text(mark), _text(generation), is_copy)


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode("ascii", "replace")


def _write(file: FileIO, announced: int, record: Record) -> None:
    file.seek(0)
    history = (record.position, record.audit, record.audit_mark.encode())
    file.write(_FORMAT.pack(announced, *history, record.generation.encode(), *_origin(file), 0))
    _stamp(file)


def _stamp(file: FileIO) -> None:
    for _ in range(STAMP_TRIES):
        stamp = _changed(file)
        file.seek(_STAMP_AT)
        file.write(_STAMP.pack(stamp))
        if _is_near(stamp, _changed(file)):
            return


def _is_near(stamp: int, changed: int) -> bool:
    is_coarse = stamp % 10**9 == 0 and changed % 10**9 == 0
    return abs(changed - stamp) <= (COARSE_NANOSECONDS if is_coarse else STAMP_NANOSECONDS)


def _changed(file: FileIO) -> int:
    """Return when the file last changed in any way, in nanoseconds; 0 on Windows, where ctime means another time."""
    return os.fstat(file.fileno()).st_ctime_ns % 2**64 if os.name == "posix" else 0


def _is_same(before: tuple[int, int], now: tuple[int, int]) -> bool:
    return before[0] == now[0] and (before[1] == now[1] or not before[1] or not now[1])


def _origin(file: FileIO) -> tuple[int, int]:
    """Return the inode and the birth time in nanoseconds, which is 0 if the system does not know it."""
    return os.fstat(file.fileno()).st_ino % 2**64, _birth(file.fileno())


def _birth(handle: int) -> int:
    statx = _statx()
    if statx is None:
        return 0
    buffer = ctypes.create_string_buffer(256)
    if statx(handle, b"", _AT_EMPTY_PATH, _STATX_BTIME, buffer) != 0:
        return 0
    (mask,) = struct.unpack_from("=I", buffer, 0)
    seconds, nanoseconds = struct.unpack_from("=qI", buffer, _BTIME_AT)
    return (int(seconds) * 10**9 + int(nanoseconds)) % 2**64 if mask & _STATX_BTIME else 0


@cache
def _statx() -> Any:
    """Return Linux's statx, which Python 3.11 does not offer; None on other systems."""
    try:
        return ctypes.CDLL(None, use_errno=True).statx
    except (AttributeError, OSError, TypeError):
        return None


@contextmanager
def _locked(file: FileIO) -> Generator[None]:
    """Lock the file against other processes, which hold the lock for a few µs."""
    if fcntl is not None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    try:
        yield
    finally:
        if fcntl is not None:
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)
