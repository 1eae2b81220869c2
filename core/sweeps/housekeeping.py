"""Renames and deletes recorded runs and sweeps."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from msgspec.structs import replace

from ..errors import BadInput, ClipwatchError
from ..files.atomic import TEMPORARY
from ..files.lock import claim
from ..files.recorded_names import CHECKPOINTS, CONFIG, EVENTS, LOCK, MANIFEST, SWEEP_RESULTS
from ..runs.folder import Manifest, RunFolder
from .recorded_folders import DELETED, RecordedFolder, recorded_folders
from .store import SweepFolder

_FILES = (MANIFEST, EVENTS, CONFIG, SWEEP_RESULTS, LOCK)
_CHECKPOINT = re.compile(r".+-\d{10,}\.pt")


@dataclass(frozen=True)
class Contents:
    """What a folder holds: the number of files, their bytes, and the names of those that clipwatch did not write."""

    files: int
    bytes: int
    foreign: tuple[str, ...]


def contents(folder: RecordedFolder) -> Contents:
    """What the folder of a run or sweep holds. Links are not followed. Raises ClipwatchError if it cannot be read."""
    try:
        files = list(_files(folder.path))
        size = sum(path.lstat().st_size for path in files)
    except OSError as error:
        raise ClipwatchError(f"{_what(folder)}: {error.strerror}") from error
    names = (str(path.relative_to(folder.path)) for path in files if not _is_ours(path, folder.path))
    return Contents(len(files), size, tuple(sorted(names)))


def rename(folder: RecordedFolder, name: str) -> Path:
    """Rename the folder of a run or sweep, also in the manifests of runs forked from it; return its new path.

    Raises BadInput if the name cannot be used or is taken, or if another process writes the run or a fork of it.
    """
    _check_name(name)
    target = folder.path.with_name(name)
    forks = _forks(folder)
    with ExitStack() as locks:
        for one in (folder, *forks):
            locks.enter_context(_claimed(one))
        # `rename` would replace an empty folder.
        if os.path.lexists(target):
            raise BadInput(f"name {name!r}: {target} exists; use another name")
        _move(folder, target)
        for fork, manifest in forks.items():
            origin = manifest.forked_from and replace(manifest.forked_from, run=name)
            try:
                fork.write_manifest(replace(manifest, forked_from=origin))
            except OSError as error:
                raise ClipwatchError(f"{fork.path} still says {folder.path.name}: {error.strerror}") from error
    return target


def _forks(folder: RecordedFolder) -> dict[RunFolder, Manifest]:
    """The runs beside a run that were forked from it. Those whose manifest is unreadable are left out."""
    found = dict[RunFolder, Manifest]()
    if isinstance(folder, SweepFolder):
        return found
    for other in recorded_folders(folder.path.parent, lambda _: None):
        if isinstance(other, SweepFolder):
            continue
        with suppress(BadInput):
            manifest = other.manifest()
            if manifest.forked_from and manifest.forked_from.run == folder.path.name:
                found[other] = manifest
    return found


def deletable(folder: RecordedFolder) -> Contents:
    """What a deletion would remove. Raises BadInput if `delete` would refuse."""
    with _claimed(folder):
        return _own_contents(folder)


def delete(folder: RecordedFolder) -> None:
    """Delete a run or sweep. The folder is hidden from lists first, so that none shows a half-deleted run.

    Raises BadInput if another process writes it, or if the folder holds anything that clipwatch did not write.
    """
    with _claimed(folder):
        _own_contents(folder)
        hidden = folder.path.with_name(f"{DELETED}{os.urandom(8).hex()}")
        _move(folder, hidden)
        try:
            shutil.rmtree(hidden)
        except OSError as error:
            raise ClipwatchError(f"{hidden} is left of {_what(folder)}: {error.strerror}; remove it by hand") from error
        # Remove what is left of deletions that were killed.
        for left in folder.path.parent.glob(f"{DELETED}*"):
            shutil.rmtree(left, ignore_errors=True)


def _own_contents(folder: RecordedFolder) -> Contents:
    """What the folder holds. Raises BadInput if clipwatch did not write all of it."""
    found = contents(folder)
    for name in found.foreign:
        raise BadInput(f"{_what(folder)} also holds {name}, which clipwatch did not write; move it elsewhere first")
    return found


def _claimed(folder: RecordedFolder) -> FileLock:
    """Take the lock of a folder. Raises BadInput if the folder is a link or in use."""
    if folder.path.is_symlink():
        raise BadInput(f"{_what(folder)} is a link to {os.readlink(folder.path)}; name the folder itself")
    return claim(folder.path, _kind(folder))


def _move(folder: RecordedFolder, target: Path) -> None:
    try:
        os.rename(folder.path, target)
    except OSError as error:
        raise ClipwatchError(f"{_what(folder)}: {error.strerror}") from error


def _check_name(name: str) -> None:
    if name == "last":
        raise BadInput("name 'last': it means the run that was started last; use another name")
    if not name or name != name.strip() or not name.isprintable() or "/" in name or name[0] in ".-~":
        raise BadInput(
            f"name {name!r}: use one without /, control characters or blanks around it, that starts without . - ~"
        )


def _kind(folder: RecordedFolder) -> str:
    return "run" if isinstance(folder, RunFolder) else "sweep"


def _what(folder: RecordedFolder) -> str:
    return f"{_kind(folder)} {folder.path}"


def _files(folder: Path) -> Iterator[Path]:
    """All files, links and empty subfolders of a folder, at any depth."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False) and (inner := list(_files(path))):
                yield from inner
            else:
                yield path


def _is_ours(path: Path, folder: Path) -> bool:
    """Whether clipwatch wrote this file, or this empty folder of checkpoints."""
    mode, name = path.lstat().st_mode, path.name
    if path == folder / CHECKPOINTS:
        return stat.S_ISDIR(mode)
    is_temporary = TEMPORARY.fullmatch(name) is not None
    if path.parent == folder:
        is_known = name in _FILES or is_temporary
    else:
        is_known = path.parent == folder / CHECKPOINTS and (is_temporary or _CHECKPOINT.fullmatch(name) is not None)
    return is_known and stat.S_ISREG(mode)
