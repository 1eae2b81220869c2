"""A disk that gives out: from the n-th operation on some files it takes no more, or this one time only."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Disk:
    """Counts what is done to files that `concerns` picks by name, and fails from number `first` on.

    Half of what a failing write was given is written all the same; `short`: that many bytes are its answer, no error.
    """

    def __init__(
        self,
        concerns: Callable[[str], bool],
        first: int,
        *,
        once: bool = False,
        short: bool = False,
        code: int = errno.ENOSPC,
    ) -> None:
        self.concerns, self.short, self._first, self._once, self._code = concerns, short, first, once, code
        self.operations = 0
        self._handles: set[int] = set()

    @property
    def failed(self) -> bool:
        """Whether anything has been refused."""
        return self.operations > self._first

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Stand between the program and its files."""
        opened, synced, replaced = Path.open, os.fsync, os.replace

        def open_here(path: Path, *args: Any, **options: Any) -> Any:
            mode = args[0] if args else options.get("mode", "r")
            if mode in ("r", "rb") or not self.concerns(path.name):
                return opened(path, *args, **options)
            self.check()
            file = opened(path, *args, **options)
            self._handles.add(file.fileno())
            return _File(self, file)

        def fsync_here(handle: int) -> None:
            if handle in self._handles:
                self.check()
            synced(handle)

        def replace_here(source: Path, target: Path) -> None:
            if self.concerns(Path(target).name):
                self.check()
            replaced(source, target)

        patch.setattr(Path, "open", open_here)
        patch.setattr(os, "fsync", fsync_here)
        patch.setattr(os, "replace", replace_here)

    def check(self) -> None:
        """One operation more; OSError if it is refused."""
        number, self.operations = self.operations, self.operations + 1
        if number == self._first or (number > self._first and not self._once):
            raise OSError(self._code, os.strerror(self._code))

    def forget(self, handle: int) -> None:
        """Another file may get this number."""
        self._handles.discard(handle)


class _File:
    """An open file of such a disk."""

    def __init__(self, disk: Disk, file: Any) -> None:
        self._disk, self._file = disk, file
        self.fileno, self.flush = file.fileno, file.flush

    def write(self, content: Any) -> int:
        try:
            self._disk.check()
        except OSError:
            written = self._file.write(content[: len(content) // 2])
            if self._disk.short:
                return written
            raise
        return self._file.write(content)

    def close(self) -> None:
        self._disk.forget(self._file.fileno())
        self._file.close()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
