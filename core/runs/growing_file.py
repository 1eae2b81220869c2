"""The lines that another process appends to a file, read as they come."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import ClipwatchError
from ..files.atomic import open_regular
from ..stream.codec import LONGEST_LINE

# Bytes read at a time, unless a line is longer.
_PART = 1 << 20


class FileLost(ClipwatchError):
    """The file is not what it was: it was renamed, deleted, replaced or cut. The message says so."""


class GrowingFile:
    """Reads a file from `offset` on. Raises OSError if it cannot be opened."""

    def __init__(self, path: Path, offset: int) -> None:
        self._path, self._offset = path, offset
        self._file = open_regular(path)
        self._opened = os.fstat(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def lines(self) -> list[bytes]:
        """The lines that are complete by now, each once, without their ends. Raises FileLost or OSError."""
        size = self._size()
        if size == self._offset:
            return []
        part = os.pread(self._file.fileno(), _PART, self._offset)
        if len(part) == _PART and b"\n" not in part:
            part = os.pread(self._file.fileno(), LONGEST_LINE, self._offset)
        *lines, rest = part.split(b"\n")
        if len(rest) == LONGEST_LINE:
            raise FileLost(f"a line is longer than {LONGEST_LINE >> 20} MiB")
        self._offset += len(part) - len(rest)
        return lines

    def _size(self) -> int:
        try:
            now = os.stat(self._path)
        except FileNotFoundError:
            raise FileLost("it was renamed or deleted") from None
        if not os.path.samestat(now, self._opened):
            raise FileLost("another file has taken its place")
        if now.st_size < self._offset:
            raise FileLost("it was cut")
        return now.st_size
