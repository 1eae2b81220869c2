"""Putting data files where they belong whole or not at all, one process at a time."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import BaseFileLock, Timeout

from ..errors import Cancelled, ClipwatchError
from ..files.lock import file_lock, why_not
from ..files.paths import path_text
from ..stream.events import AnyEvent, Notice
from .catalog import Kind
from .idx import read
from .limits import Limits
from .store import MANIFEST, Files, Manifest, published, raw_folder

_STAGING = ".clipwatch-staging-"
_LOCK = ".clipwatch.lock"


class Unwritable(ClipwatchError):
    """A folder in which files cannot be put; the message names it and says why."""


@contextmanager
def locked(
    home: Path, kind: Kind, *, limits: Limits, report: Callable[[AnyEvent], None], cancelled: Callable[[], bool]
) -> Iterator[None]:
    """Hold `kind` under `home` alone among all processes, waiting (and saying so once) for whoever has it."""
    folder = home / kind.folder
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = file_lock(folder / _LOCK)
    told = False
    while not _acquired(lock, folder, limits.poll):
        if cancelled():
            raise Cancelled("stopped while waiting for another download")
        if not told:
            report(Notice(text=f"waiting for another clipwatch that is fetching {kind.name}", level="info"))
        told = True
    try:
        yield
    finally:
        lock.release()


def _acquired(lock: BaseFileLock, folder: Path, seconds: float) -> bool:
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        return False
    except OSError as error:
        raise Unwritable(f"cannot write to {folder}: {why_not(error)}") from error
    return True


@contextmanager
def staging(home: Path, kind: Kind) -> Iterator[Path]:
    """A new folder on the file system of the published files, removed in the end; only while `locked`."""
    folder = home / kind.folder
    with _writing(folder):
        # Left by processes that were killed: nobody else can be at work while this one holds the lock.
        for left in folder.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def publish(stage: Path, home: Path, kind: Kind, source: str) -> Files:
    """Unpack and check the downloaded `.gz` files in `stage`, then move them to where `find_published` looks.

    Raises CorruptFile for a file that is not what it should be, Unwritable if the folder cannot be written.
    """
    # Not the staging folder itself, which nobody else may read.
    ready = stage / "raw"
    with _writing(stage):
        ready.mkdir()
        checksums = {name: _unpack(stage / f"{name}.gz", ready / name, kind) for name in kind.files}
        _write(ready / MANIFEST, msgspec.json.format(msgspec.json.encode(Manifest(sha256=checksums, source=source))))
    target = raw_folder(home, kind)
    with _writing(target):
        if target.exists():
            for name in (*kind.files, MANIFEST):
                os.replace(ready / name, target / name)
        else:
            os.replace(ready, target)
    return published(home, kind)


def _unpack(packed: Path, unpacked: Path, kind: Kind) -> str:
    format = kind.files[unpacked.name]
    content = read(packed, format)
    _write(unpacked, format.header, content.array.data)
    return content.sha256


def _write(path: Path, *parts: bytes | memoryview) -> None:
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(f"cannot write to {path_text(folder)}: {error.strerror or error}") from error
