"""Writes the outputs that a user names. Files are replaced whole; pipes and devices are written to directly."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path

from ..errors import BadInput, ClipwatchError
from .atomic import write_atomically
from .paths import user_path
from .recorded_names import require_not_recorded

STANDARD_OUTPUT = Path("-")
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/self/fd)/(\d+)")
_NAMED = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


def output_path(text: str) -> Path:
    """The path of an output. `-` is standard output; `./-` is a file of that name. Raises BadInput for a folder."""
    path = user_path(text)
    # A Path drops the trailing slash of `file/`.
    if os.path.basename(text) in ("", os.curdir):
        raise BadInput(f"path {text!r}: name a file, not a folder")
    return path.absolute() if path == STANDARD_OUTPUT and text != "-" else path


def is_stream(path: Path) -> bool:
    """Whether this is standard output, a descriptor, a pipe or a device, beside which no other file can be written."""
    return path == STANDARD_OUTPUT or _descriptor(path) is not None or _is_special(path)


def write_output(path: Path, content: bytes) -> None:
    """Write all of `content`. Follows links and keeps the file's mode. Raises ClipwatchError if that fails.

    Raises BadInput for a file of a recorded run or sweep, and BrokenPipeError if standard output has no
    reader any more.
    """
    if path == STANDARD_OUTPUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        _write(path, content)
    except OSError as error:
        raise ClipwatchError(f"cannot write {path}: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    descriptor = _descriptor(path)
    if descriptor is not None:
        # Opening the path anew would write from offset 0.
        sys.stdout.flush()
        with open(os.dup(descriptor), "wb") as stream:
            stream.write(content)
    elif _is_special(path):
        with path.open("wb") as stream:
            stream.write(content)
    else:
        file = Path(os.path.realpath(path))
        require_not_recorded(file)
        _write_file(file, content)


def _write_file(path: Path, content: bytes) -> None:
    try:
        existing = path.stat()
    except FileNotFoundError:
        write_atomically(path, content)
        return
    if not existing.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only")
    if existing.st_nlink == 1 and existing.st_uid == os.geteuid() and os.access(path.parent, os.W_OK):
        write_atomically(path, content, mode=stat.S_IMODE(existing.st_mode))
    else:
        # Replacing the file would change its owner or break its hard links.
        with path.open("wb") as file:
            file.write(content)


def _descriptor(path: Path) -> int | None:
    """The open descriptor that a path such as `/dev/stdout` names."""
    if found := _DESCRIPTOR.fullmatch(str(path)):
        return int(found[1])
    return _NAMED.get(str(path))


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
