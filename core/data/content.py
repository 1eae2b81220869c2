"""The images and labels of a data set, read from its two files and checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files.paths import path_text
from .catalog import KINDS, Kind
from .idx import CorruptFile, read_idx


@dataclass(frozen=True)
class Files:
    """The two files of a data set, each gzipped or not."""

    images: Path
    labels: Path


@dataclass(frozen=True)
class Content:
    """All images, uint8 (n, 28, 28), and labels, int64 (n,), in file order."""

    images: np.ndarray
    labels: np.ndarray
    checksum: str


def read(files: Files, kind: Kind, md5: tuple[str, str] | tuple[None, None] = (None, None)) -> Content:
    """Read and check both files.

    Raises CorruptFile unless the files have the given MD5s, format and length are exactly those of `kind`, gzip's own
    checksum holds, labels go from 0 to 9, and the content is that of `kind`, as far as checksums are known.
    """
    paths = (files.images, files.labels)
    images, labels = map(read_idx, paths, kind.files.values(), md5)
    classes = labels[:, 0] if labels.ndim == 2 else labels
    if classes.min() < 0 or classes.max() > 9:
        raise CorruptFile(
            f"{path_text(files.labels)} is damaged: labels go from {classes.min()} to {classes.max()}, not 0 to 9"
        )
    content = Content(images, classes.astype(np.int64), checksum(images, classes))
    _check_kind(content, files, kind)
    return content


def checksum(images: np.ndarray, labels: np.ndarray) -> str:
    """SHA-256 of all images in file order, a byte a pixel, then all labels, a byte each."""
    digest = hashlib.sha256(images.data)
    digest.update(labels.astype(np.uint8).data)
    return digest.hexdigest()


def _check_kind(content: Content, files: Files, kind: Kind) -> None:
    if kind.checksum not in (None, content.checksum):
        raise CorruptFile(
            f"{path_text(files.images)} or {files.labels.name} is damaged or the wrong file:"
            f" not the content of {kind.name} (by its checksum)"
        )
    for other in KINDS.values():
        if other.name != kind.name and other.checksum == content.checksum:
            raise CorruptFile(f"{path_text(files.images)} is the wrong file: it holds {other.name}, not {kind.name}")
