"""Downloaded files, packed as the mirrors send them and laid out as torchvision does.

They lie in the cache folder, or in the user's data dir. One process at a time writes there, all files or none.
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
    """A cache folder that cannot be read; the message names it and says why."""


def cache_folder() -> Path:
    """CLIPWATCH_CACHE_DIR, or else the platform's cache folder."""
    if named := os.environ.get("CLIPWATCH_CACHE_DIR"):
        return user_path(named)
    return platform_folder(platformdirs.user_cache_path("clipwatch"), "CLIPWATCH_CACHE_DIR, or --data-dir")


def downloaded_files(home: Path, kind: Kind) -> Files | None:
    """The files that were downloaded into `home`; None if there are none, Unreadable if that cannot be known."""
    files = _files(home, kind)
    try:
        for path in (files.images, files.labels):
            path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(
            f"cannot read {path_text(home)}: {error.strerror}; name another cache folder by CLIPWATCH_CACHE_DIR"
        ) from error
    return files


def _files(home: Path, kind: Kind) -> Files:
    return Files(*(kind.raw_folder(home) / name for name in kind.packed))


@contextmanager
def writing(home: Path, kind: Kind, request: Request) -> Iterator[None]:
    """Be the only process that writes `kind` in `home`, waiting (and saying so once) for the one that does.

    An OSError of the block means that `home` cannot be written: BadInput for a data dir, ClipwatchError for the cache.
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
            request.report(Notice(text=f"waiting for another clipwatch that is fetching {kind.name}", level="info"))
        notified = True


def store(packed: Mapping[str, bytes], home: Path, kind: Kind) -> Files:
    """Put files where `downloaded_files` looks, all or none; only while `writing`."""
    raw = kind.raw_folder(home)
    stage = raw.with_name(_STAGING)
    # Staging folders of processes that were killed: nobody else is writing now.
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
