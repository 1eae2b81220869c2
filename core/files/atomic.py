"""Writes a file whole or not at all, and reads regular files only."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from io import BufferedReader
from pathlib import Path

# The names of temporary files.
TEMPORARY = re.compile(r"\..+-[0-9a-f]{16}")


def write_atomically(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write `content` to `path`. If anything fails, `path` keeps its old content.

    `mode` sets the permissions; None gives those of a new file. Raises OSError.
    """
    # A `tempfile` would be readable by its owner only.
    temporary = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
    try:
        with temporary.open("xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of a process that was killed. The caller must hold the folder's lock."""
    for path in folder.glob(".*-*"):
        if TEMPORARY.fullmatch(path.name):
            with contextlib.suppress(OSError):
                path.unlink()


def read_file(path: Path) -> bytes:
    """The content of a regular file. Raises OSError for anything else: reading a pipe could block for ever."""
    with open_regular(path) as file:
        return file.read()


def open_regular(path: Path) -> BufferedReader:
    """A regular file, open for reading in parts. Raises OSError for anything else."""
    return open(path, "rb", opener=_open_regular)


def _open_regular(path: str, flags: int) -> int:
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file")


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
