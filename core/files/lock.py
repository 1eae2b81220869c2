"""The lock of a folder that one process at a time may write, and a test whether it is held."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import BadInput
from .recorded_names import LOCK

# Seconds to wait for a lock, and between attempts: `is_held` shares it for some microseconds.
_TIMEOUT, _POLL_SECONDS = 0.5, 0.005
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def file_lock(path: Path) -> FileLock:
    """A lock that the system releases when its process ends. `why_not` explains its OSError.

    filelock's fallback there is a file, which a killed process would leave behind.
    """
    return FileLock(path, fallback_to_soft=False)


def why_not(error: OSError) -> str:
    """The cause of an OSError from a lock, in words."""
    if error.errno in _NO_LOCKS:
        return "its disk has no locks, without which two processes could write there at once; name a folder elsewhere"
    return error.strerror or str(error)


def claim(folder: Path, what: str) -> FileLock:
    """Acquire a folder's lock. Raises BadInput, which names `what` the folder holds, if that fails."""
    # FileLock creates a folder that does not exist, for example one that another process has deleted.
    if not folder.is_dir():
        raise BadInput(f"{what} {folder}: no such folder")
    lock = file_lock(folder / LOCK)
    try:
        lock.acquire(timeout=_TIMEOUT, poll_interval=_POLL_SECONDS)
    except Timeout as error:
        raise BadInput(f"{what} {folder}: another process is writing it") from error
    except OSError as error:
        raise BadInput(f"{what} {folder}: {why_not(error)}") from error
    return lock


def is_held(folder: Path) -> bool:
    """Whether a process holds the folder's lock. Writes nothing. A lock that cannot be read counts as held."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_NONBLOCK)
    except PermissionError:
        return True
    except OSError:
        return False
    try:
        return not _can_share(handle)
    finally:
        os.close(handle)


def _can_share(handle: int) -> bool:
    """Whether a shared lock can be acquired, which a writer excludes."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: no run can be written there.
        return True
    return True
