"""Reads and checks the images and labels of a data set."""

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

    Raises CorruptFile unless the files have the given MD5s and exactly the format and length of `kind`, gzip's checksum
    matches, all labels are from 0 to 9, and the content is that of `kind`, as far as checksums are known.
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
    """The SHA-256 of all images in file order, one byte per pixel, and then all labels, one byte each."""
    digest = hashlib.sha256(images.data)
    digest.update(labels.astype(np.uint8).data)
    return digest.hexdigest()


def _check_kind(content: Content, files: Files, kind: Kind) -> None:
    if kind.checksum not in (None, content.checksum):
        raise CorruptFile(
            f"{path_text(files.images)} or {files.labels.name} is damaged or the wrong file:"
            f" the checksum is not that of {kind.name}"
        )
    for other in KINDS.values():
        if other.name != kind.name and other.checksum == content.checksum:
            raise CorruptFile(f"{path_text(files.images)} is the wrong file: it holds {other.name}, not {kind.name}")
