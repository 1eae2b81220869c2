"""Where data files lie, and how they are checked before use.

Files that clipwatch put somewhere have a manifest beside them with the SHA-256 of each. It is written last, so
that files without one, or other than it says, are not counted as complete.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import platformdirs

from ..errors import ClipwatchError
from ..files.paths import path_text, platform_folder, user_path
from .catalog import MNIST, Kind
from .idx import CorruptFile, read

MANIFEST = "clipwatch.json"


class Unreadable(ClipwatchError):
    """A cache folder that cannot be read; the message names it and says why."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The SHA-256 of each file by name, and the host they came from."""

    sha256: dict[str, str]
    source: str


@dataclass(frozen=True)
class Files:
    """The two files of a data set, each gzipped or not, and the folder they are in."""

    folder: Path
    images: Path
    labels: Path


def cache_folder() -> Path:
    """Where downloads are kept: CLIPWATCH_CACHE_DIR, or else the platform's cache folder."""
    if named := os.environ.get("CLIPWATCH_CACHE_DIR"):
        return user_path(named)
    return platform_folder(platformdirs.user_cache_path("clipwatch"), "CLIPWATCH_CACHE_DIR, or --data-dir")


def find_published(home: Path, kind: Kind) -> Files | None:
    """Files that clipwatch put under `home` and finished; None if there are none, Unreadable if nobody can tell."""
    files = published(home, kind)
    try:
        complete = all(_is_file(path) for path in (files.images, files.labels, files.folder / MANIFEST))
    except OSError as error:
        raise Unreadable(
            f"cannot read {path_text(home)}: {error.strerror}; name another cache folder by CLIPWATCH_CACHE_DIR"
        ) from error
    return files if complete else None


def _is_file(path: Path) -> bool:
    """Whether there is such a file; an OSError if that cannot be known."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def published(home: Path, kind: Kind) -> Files:
    """Where clipwatch puts the files of `kind` under `home`."""
    folder = raw_folder(home, kind)
    return Files(folder, folder / kind.images, folder / kind.labels)


def raw_folder(home: Path, kind: Kind) -> Path:
    """The folder of `kind` under `home`, as torchvision lays it out."""
    return home / kind.folder / "raw"


def read_files(files: Files, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (count, 28, 28), and labels, int64 (count,), after all that can be checked was.

    Checked are: format and exact length; gzip's checksum; the manifest, where there is one; the known checksum of
    the content (MNIST; and that nothing else is MNIST under another name); labels from 0 to 9. Raises CorruptFile.
    """
    promised = _read_manifest(files.folder)
    arrays = []
    for path, (name, format) in zip((files.images, files.labels), kind.files.items(), strict=True):
        content = read(path, format)
        if promised is not None and promised.get(name) != content.sha256:
            raise CorruptFile(
                f"{path_text(path)} is damaged: not as downloaded ({MANIFEST} beside it has another checksum)"
            )
        _check_content(path, name, content.sha256, kind)
        arrays.append(content.array)
    images, labels = arrays
    classes = labels[:, 0] if labels.ndim == 2 else labels
    if classes.min() < 0 or classes.max() > 9:
        raise CorruptFile(
            f"{path_text(files.labels)} is damaged: labels go from {classes.min()} to {classes.max()}, not 0 to 9"
        )
    return images, classes.astype(np.int64)


def _check_content(path: Path, name: str, sha256: str, kind: Kind) -> None:
    if sha256 != kind.sha256.get(name, sha256):
        raise CorruptFile(
            f"{path_text(path)} is damaged or the wrong file: not the content of {kind.name} (by its checksum)"
        )
    if kind.name != MNIST.name and sha256 in MNIST.sha256.values():
        raise CorruptFile(f"{path_text(path)} is the wrong file: it holds {MNIST.name}, not {kind.name}")


def _read_manifest(folder: Path) -> dict[str, str] | None:
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest).sha256
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError, RecursionError, msgspec.DecodeError) as error:
        raise CorruptFile(f"{path_text(path)} is damaged: {error}") from error
