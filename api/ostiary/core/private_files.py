"""Create files with secrets only for their owner, under any umask, and refuse those of others (CWE-732, CWE-379).

On Windows, file modes have no meaning, so nothing is checked there.
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
    """Others may have written or read a file or directory. The text names it and the remedy."""


class UnusableDirectory(Exception):
    """The data directory cannot be created or written. The text names the reason and the remedy."""


def make_directory(path: Path) -> None:
    """Create the directory and its missing parents only for the owner. Raises OSError."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):  # created by another process
            one.mkdir(mode=DIRECTORY_MODE)
            one.chmod(DIRECTORY_MODE)


def check_directory(path: Path) -> None:
    """Raise UnsafeFile if the directory for secrets belongs to another user, or if others may write to it."""
    found = path.stat()
    if not _HAS_OWNERS:
        return
    if not _is_ours(found.st_uid):
        raise UnsafeFile(
            f"the directory {path} belongs to another user (uid {found.st_uid}), who could replace its files. Set "
            f"OSTIARY_DATA_DIR to a directory of your own, or run: chown {os.geteuid()} {path}"
        )
    if stat.S_IMODE(found.st_mode) & _WRITABLE:
        raise UnsafeFile(
            f"others may write to the directory {path} (mode {stat.S_IMODE(found.st_mode):04o}). Check its files, "
            f"then run: chmod go-w {path}"
        )
    if found.st_uid != os.geteuid():
        log.warning("the data directory belongs to another user, whose secrets are used", uid=found.st_uid)


def check_secret(path: Path) -> None:
    """Raise UnsafeFile if the file with a secret belongs to another user, or if others may read or write it."""
    found = path.stat()
    if not _HAS_OWNERS:
        return
    beside = path.parent.stat()
    if found.st_uid not in {os.geteuid(), 0} and not (os.geteuid() == 0 and found.st_uid == beside.st_uid):
        raise UnsafeFile(
            f"{path} belongs to another user (uid {found.st_uid}), who knows the secret in it. Remove it, and "
            "Ostiary creates a new one; or set OSTIARY_SECRET_KEY"
        )
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        raise UnsafeFile(
            f"others may read or write {path} (mode {stat.S_IMODE(found.st_mode):04o}). If nobody has, run: chmod 600 "
            f"{path}; otherwise remove it, and Ostiary creates a new secret"
        )


def make_private(path: Path) -> None:
    """Create an empty file only for the owner if there is no file yet. Raises OSError.

    If root creates it in the directory of another user, it belongs to that user, like the other files there.
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
    """Give a file that root has just created to the owner of `directory`. For other users, do nothing."""
    if _HAS_OWNERS and os.geteuid() == 0:
        like = directory.stat()
        os.chown(made, like.st_uid, like.st_gid)


def narrow(*paths: Path) -> None:
    """Remove the permissions of others from the files in `paths` that exist. Warn if that is not allowed."""
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
            log.warning("others could read the database; now only its owner can", file=str(path), mode=f"{wide:04o}")


def _is_ours(owner: int) -> bool:
    """Return whether `owner` is this process's user or root. A process of root may use the directory of any user."""
    return owner in {os.geteuid(), 0} or os.geteuid() == 0
