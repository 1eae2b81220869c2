"""Stores downloaded files in the cache folder or the user's data dir, gzipped as downloaded, in torchvision's layout.

One process at a time writes to a folder, and it writes all files or none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import platformdirs
from filelock import BaseFileLock, Timeout

from ..errors import BadInput, ClipwatchError
from ..files.atomic import write_atomically
from ..files.lock import file_lock, why_not
from ..files.paths import path_text, platform_folder, user_path
from ..stream.events import Notice
from .catalog import Kind
from .content import Files
from .request import Request

_STAGING = ".clipwatch-staging"
_LOCK = ".clipwatch.lock"


class Unreadable(ClipwatchError):
    """The cache folder cannot be read. The message names it and says why."""


def cache_folder() -> Path:
    """The folder CLIPWATCH_CACHE_DIR, or else the platform's cache folder."""
    if named := os.environ.get("CLIPWATCH_CACHE_DIR"):
        return user_path(named)
    return platform_folder(platformdirs.user_cache_path("clipwatch"), "CLIPWATCH_CACHE_DIR, or --data-dir")


def downloaded_files(home: Path, kind: Kind) -> Files | None:
    """The files that were downloaded to `home`, or None. Raises Unreadable if `home` cannot be read."""
    files = _files(home, kind)
    try:
        for path in (files.images, files.labels):
            path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(
            f"cannot read {path_text(home)}: {error.strerror}; name another cache folder in CLIPWATCH_CACHE_DIR"
        ) from error
    return files


def _files(home: Path, kind: Kind) -> Files:
    return Files(*(kind.raw_folder(home) / name for name in kind.packed))


@contextmanager
def writing(home: Path, kind: Kind, request: Request) -> Iterator[None]:
    """Hold the lock for writing `kind` in `home`. Waits for another process, with a notice.

    Turns an OSError in this context into BadInput for a data dir, or ClipwatchError for the cache.
    """
    folder = home / kind.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _acquire(file_lock(folder / _LOCK), kind, request):
            yield
    except OSError as error:
        fault, place = (BadInput, "data dir: ") if request.data_dir else (ClipwatchError, "")
        raise fault(f"{place}cannot write to {path_text(folder)}: {why_not(error)}") from error


def _acquire(lock: BaseFileLock, kind: Kind, request: Request) -> AbstractContextManager[object]:
    notified = False
    while True:
        try:
            return lock.acquire(timeout=request.limits.poll)
        except Timeout:
            request.check_cancelled("waiting for another download")
        if not notified:
            request.report(Notice(text=f"waiting for another clipwatch that is downloading {kind.name}", level="info"))
        notified = True


def store(packed: Mapping[str, bytes], home: Path, kind: Kind) -> Files:
    """Write files to where `downloaded_files` looks, all or none. Call it inside `writing`."""
    raw = kind.raw_folder(home)
    stage = raw.with_name(_STAGING)
    # Staging folders of processes that were killed. This process holds the lock, so nobody uses them.
    for leftover in raw.parent.glob(f"{_STAGING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    stage.mkdir()
    try:
        for name, content in packed.items():
            write_atomically(stage / name, content)
        if raw.exists():
            for name in packed:
                os.replace(stage / name, raw / name)
        else:
            os.replace(stage, raw)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return _files(home, kind)
