"""Files of our own: there whole or not at all, and read only if they are files."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from io import BufferedReader
from pathlib import Path

_TEMPORARY = re.compile(r"\..+-[0-9a-f]{16}")


def write_atomically(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Put `content` at `path`, which holds either all of it or what it held before, whatever happens; OSError.

    `mode` are its permissions, None: those of a new file.
    """
    # Not a tempfile, which nobody else may ever read.
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
    """Remove what a process that was killed while it wrote left in a folder; nobody else may write there now."""
    for path in folder.glob(".*-*"):
        if _TEMPORARY.fullmatch(path.name):
            with contextlib.suppress(OSError):
                path.unlink()


def read_file(path: Path) -> bytes:
    """What a regular file holds; OSError for anything else, such as a pipe, which nobody may ever write to."""
    with open_regular(path) as file:
        return file.read()


def open_regular(path: Path) -> BufferedReader:
    """The same, to be read part by part."""
    return open(path, "rb", opener=_open_regular)


def _open_regular(path: str, flags: int) -> int:
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file")


def _sync_folder(folder: Path) -> None:
    """Make the new name last too; file systems that cannot sync a folder need not."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
