"""Small data sets in MNIST's format, and mirrors for them, so that tests need neither the real ones."""

from __future__ import annotations

import gzip
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from clipwatch.core.data import catalog
from clipwatch.core.data.catalog import Kind

COUNT = 120
VALIDATION = 20


def shrink_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every data set of the catalog have 120 images, 20 of them for validation, and no known checksum."""
    for name, kind in list(catalog.KINDS.items()):
        monkeypatch.setitem(catalog.KINDS, name, replace(kind, count=COUNT, validation=VALIDATION, checksum=None))


def unpacked_files(kind: Kind, seed: int = 0) -> dict[str, bytes]:
    """Random images and labels as idx files, by name."""
    random = np.random.default_rng(seed)
    images, labels = kind.files.values()
    classes = random.integers(0, 10, labels.shape).astype(labels.dtype)
    if classes.ndim == 2:
        classes[:, 1:] += 1000
    pixels = random.integers(0, 256, images.shape, dtype=np.uint8)
    return {kind.images: images.header + pixels.tobytes(), kind.labels: labels.header + classes.tobytes()}


def packed_files(kind: Kind, seed: int = 0) -> dict[str, bytes]:
    """The same files gzipped, by name."""
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in unpacked_files(kind, seed).items()}


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def use_mirrors(monkeypatch: pytest.MonkeyPatch, name: str, files: Mapping[str, bytes], *mirrors: str) -> None:
    """For one data set, a torchvision that knows these mirrors, and a catalog with the MD5s of these packed files."""
    images, labels = map(md5, files.values())
    kind = replace(catalog.KINDS[name], md5=(images, labels))
    monkeypatch.setitem(catalog.KINDS, name, kind)
    datasets = ModuleType("torchvision.datasets")
    setattr(datasets, kind.folder, type(kind.folder, (), {"mirrors": list(mirrors), "resources": []}))
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", datasets)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
