"""One process at a time writes a folder: its lock, and asking for it without taking it."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import BadInput

NAME = ".lock"
# Whoever asks whether a folder is held shares its lock for some microseconds.
_PATIENCE, _BETWEEN = 0.5, 0.005
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def file_lock(path: Path) -> FileLock:
    """A lock that ends with its process; a file system without locks raises OSError, see `why_not`.

    filelock's own way out there is a file that a killed process leaves behind, for which others wait for ever.
    """
    return FileLock(path, fallback_to_soft=False)


def why_not(error: OSError) -> str:
    """What an OSError means for a lock, in words."""
    if error.errno in _NO_LOCKS:
        return "its disk has no locks, without which two processes could write there at once; name a folder elsewhere"
    return error.strerror or str(error)


def claim(folder: Path, what: str) -> FileLock:
    """A folder's lock, held; BadInput, naming `what` it holds, if another process has it or nobody can."""
    lock = file_lock(folder / NAME)
    try:
        lock.acquire(timeout=_PATIENCE, poll_interval=_BETWEEN)
    except Timeout as error:
        raise BadInput(f"{what} {folder}: another process is writing it") from error
    except OSError as error:
        raise BadInput(f"{what} {folder}: {why_not(error)}") from error
    return lock


def is_held(folder: Path) -> bool:
    """Whether a process holds the folder; nothing is written. A lock that may not be read counts as held."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except PermissionError:
        return True
    except OSError:
        return False
    try:
        return not _shared(handle)
    finally:
        os.close(handle)


if sys.platform == "win32":

    def _shared(handle: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
        return True

else:

    def _shared(handle: int) -> bool:
        """Whether the lock can be had together with others who ask: only one who writes excludes that."""
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # Without locks nobody writes there.
            return True
        return True
