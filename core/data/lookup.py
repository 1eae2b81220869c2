"""Finds the two files of a data set in a user's folder, where they may be renamed, unpacked, or in subfolders."""

from __future__ import annotations

import itertools
import os
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInput
from ..files.paths import path_text
from .catalog import KINDS, Kind
from .idx import CorruptFile
from .packed_files import Files

# The levels below the folder and the number of folders that are searched; the number of entries that a message names.
_DEPTH = 3
_FOLDERS = 500
_NAMES = 5


def find(home: Path, kind: Kind) -> Files | None:
    """Find the files of `kind`: in torchvision's layout under `home`, in `home`, or in a subfolder named after `kind`.

    Names may differ in case and punctuation, and a file may lie in a folder of its own name. Raises CorruptFile if one
    file is there without the other, and BadInput for a folder that cannot be read.
    """
    named = (folder for folder, owner in _folders(home, kind) if owner == kind.name)
    half: CorruptFile | None = None
    for folder in itertools.chain((kind.raw_folder(home), home), named):
        if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK):
            raise BadInput(f"data dir {path_text(folder)}: cannot be read: permission denied")
        images, labels = (_file(folder, name) for name in kind.files)
        if images and labels:
            return Files(images, labels)
        if one := images or labels:
            missing = kind.labels if images else kind.images
            half = half or CorruptFile(
                f"{path_text(one)} is there without {missing}: add that file, or remove this one"
            )
    if half:
        raise half
    return None


def holds_others(home: Path, kind: Kind) -> bool:
    """Whether a folder holds anything besides the folders of other data sets."""
    return any(_kind_of_folder(entry.name) is None for entry in _contents(home, kind))


def absence(home: Path, kind: Kind) -> str:
    """Describe which files were expected in a folder without those of `kind`, and what it holds instead."""
    contents = [path_text(path.relative_to(home)) for path in _contents(home, kind)]
    more = f" and {len(contents) - _NAMES:,} more" if len(contents) > _NAMES else ""
    unnamed = (folder for folder, owner in _folders(home, kind) if owner is None)
    candidate = next((folder for folder in unnamed if all(_file(folder, name) for name in kind.files)), None)
    advice = (
        f"; if {path_text(candidate)} holds {kind.name}, give --data-dir {path_text(candidate)}" if candidate else ""
    )
    return (
        f"data dir {path_text(home)} holds no {kind.name}: expected the files {' and '.join(kind.files)},"
        f" gzipped or not, there or in {kind.folder}/raw, see {kind.page};"
        f" found {', '.join(contents[:_NAMES]) or 'nothing'}{more}{advice}"
    )


def _folders(home: Path, kind: Kind) -> Iterator[tuple[Path, str | None]]:
    """Yield `home` and the folders below it, nearest first, each with the data set that it belongs to.

    A folder belongs to the data set that it is named after; a folder called raw, to that of its parent. `home` belongs
    to `kind` unless it is named after another data set.
    """
    owner = _kind_of_folder(home.resolve().name) or kind.name
    waiting: deque[tuple[Path, str | None, int]] = deque([(home, owner, 0)])
    for _ in range(_FOLDERS):
        if not waiting:
            return
        folder, owner, depth = waiting.popleft()
        yield folder, owner
        for entry in filter(os.path.isdir, _entries(folder) if depth < _DEPTH else ()):
            waiting.append((entry, owner if _key(entry.name) == "raw" else _kind_of_folder(entry.name), depth + 1))


def _kind_of_folder(name: str) -> str | None:
    """The data set that a folder is named after: FashionMNIST, fashion-mnist and fashion are all `fashion-mnist`."""
    key = _key(name)
    return next((each for each in KINDS if key in (_key(each), _key(each.partition("-")[0]))), None)


def _contents(folder: Path, kind: Kind, depth: int = _DEPTH) -> Iterator[Path]:
    """Yield the entries of a folder, with those of subfolders for `kind` in place of these subfolders."""
    for entry in _entries(folder):
        if depth and os.path.isdir(entry) and (_key(entry.name) == "raw" or _kind_of_folder(entry.name) == kind.name):
            yield from _contents(entry, kind, depth - 1)
        else:
            yield entry


def _file(folder: Path, name: str) -> Path | None:
    """The file of this name in a folder, or in a subfolder of the same name."""
    same_name = _same_name(folder, name)
    inside = (path for entry in same_name for path in _same_name(entry, name))
    return next(filter(os.path.isfile, itertools.chain(same_name, inside)), None)


def _same_name(folder: Path, name: str) -> list[Path]:
    return [entry for entry in _entries(folder) if _key(entry.name) == _key(name)]


def _key(name: str) -> str:
    """A name without case, punctuation and the suffix `.gz`, for comparison."""
    return re.sub(r"[^a-z0-9]", "", name.lower().removesuffix(".gz"))


def _entries(folder: Path) -> list[Path]:
    """The entries of a folder in order, without hidden files; empty if it is not a readable folder."""
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if not name.startswith(".")]
    except OSError:
        return []
