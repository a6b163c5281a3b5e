"""Files with secrets in them: made for their owner alone under any umask, and not taken from others (CWE-732, CWE-379).

On Windows, where modes say nothing, all of it is left to the file system.
"""

import contextlib
import os
import stat
from pathlib import Path

import structlog

log = structlog.stdlib.get_logger(__name__)

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
_OTHERS = 0o077
_WRITABLE = 0o022
_HAS_OWNERS = hasattr(os, "geteuid")


class UnsafeFile(Exception):
    """A file or directory that others may have written, or read; the text names it and the remedy."""


class UnusableDirectory(Exception):
    """The data directory cannot be made or written; the text says why, and what to do."""


def make_directory(path: Path) -> None:
    """Make the directory, and what is missing above it, for the owner alone. Raises OSError."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):  # made by another process
            one.mkdir(mode=DIRECTORY_MODE)
            one.chmod(DIRECTORY_MODE)


def check_directory(path: Path) -> None:
    """Raise UnsafeFile if the directory, which is to hold secrets, is another user's, or others may write to it."""
    found = path.stat()
    if not _HAS_OWNERS:
        return
    if not _is_ours(found.st_uid):
        raise UnsafeFile(
            f"the directory {path} belongs to another user (uid {found.st_uid}), who could replace what is in it. Set "
            f"OSTIARY_DATA_DIR to a directory of your own, or run: chown {os.geteuid()} {path}"
        )
    if stat.S_IMODE(found.st_mode) & _WRITABLE:
        raise UnsafeFile(
            f"others may write to the directory {path} (mode {stat.S_IMODE(found.st_mode):04o}). Look at what is in "
            f"it, then run: chmod go-w {path}"
        )
    if found.st_uid != os.geteuid():
        log.warning("the data directory belongs to another user, whose secrets are used", uid=found.st_uid)


def check_secret(path: Path) -> None:
    """Raise UnsafeFile if the file with a secret is somebody else's, or others may read or write it."""
    found = path.stat()
    if not _HAS_OWNERS:
        return
    beside = path.parent.stat()
    if found.st_uid not in {os.geteuid(), 0} and not (os.geteuid() == 0 and found.st_uid == beside.st_uid):
        raise UnsafeFile(
            f"{path} belongs to another user (uid {found.st_uid}), who knows the secret in it. Remove it, and a new "
            "one is made; or set OSTIARY_SECRET_KEY"
        )
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        raise UnsafeFile(
            f"others may read or write {path} (mode {stat.S_IMODE(found.st_mode):04o}). If nobody has, run: chmod 600 "
            f"{path}; else remove it, and a new secret is made"
        )


def make_private(path: Path) -> None:
    """Make an empty file for the owner alone, if there is no file yet. Raises OSError.

    Where root makes it in the directory of another user, it belongs to that user, like everything beside it.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE)
    except FileExistsError:
        return
    try:
        path.chmod(FILE_MODE)
        give_to_owner_of(path.parent, handle)
    finally:
        os.close(handle)


def give_to_owner_of(directory: Path, made: int | Path) -> None:
    """Give a file that root has just made to the owner of `directory`; others make files of their own anyway."""
    if _HAS_OWNERS and os.geteuid() == 0:
        like = directory.stat()
        os.chown(made, like.st_uid, like.st_gid)


def narrow(*paths: Path) -> None:
    """Take the rights of others to the files among `paths` that exist; warn where that is not ours to do."""
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        wide = stat.S_IMODE(found.st_mode)
        if not _HAS_OWNERS or not stat.S_ISREG(found.st_mode) or not wide & _OTHERS:
            continue
        try:
            path.chmod(wide & ~_OTHERS)
        except OSError:
            remedy = f"chown {os.geteuid()} {path} && chmod 600 {path}"
            log.warning("others may read the database", file=str(path), mode=f"{wide:04o}", remedy=remedy)
        else:
            log.warning("others could read the database; now its owner alone can", file=str(path), mode=f"{wide:04o}")


def _is_ours(owner: int) -> bool:
    """Return whether `owner` is this process's user, or root; root may act for anybody whose directory it is given."""
    return owner in {os.geteuid(), 0} or os.geteuid() == 0
