"""What a data set is, and getting one: from a folder given, the cache, a mirror, or the program itself."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInput, Cancelled, one_line
from ..files.paths import NoHome, path_text, user_path
from ..stream.events import AnyEvent, DatasetInfo, Notice
from . import digits
from .catalog import KINDS, Kind
from .limits import Limits
from .obtaining import GO_ONLINE, Obtained, Request, downloaded, present, wanting
from .offline import is_offline

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """Images, uint8 (n, 28, 28) from 0 (background) to 255, and their labels, int64 (n,) from 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """Training and validation images with a description of where they are from."""

    info: DatasetInfo
    training: Split
    validation: Split


def load(
    name: str,
    *,
    data_dir: str | None,
    offline: bool,
    report: Callable[[AnyEvent], None],
    cancelled: Callable[[], bool] = lambda: False,
    limits: Limits | None = None,
) -> Dataset:
    """The data set of this name: a key of `catalog.KINDS`, `digits`, or `auto`.

    Taken from `data_dir` (see `lookup.find`), else from the cache, else downloaded into the first of these that there
    is, unless `offline`, or the environment, forbids it. `auto` is MNIST if it is here or some mirror answers within
    `limits.answer` seconds, else the digits, with a Notice that says why.

    All files are checked before use (`store.read_files`). One in `data_dir` that fails is never replaced but raises
    BadInput, also under `auto`; one in the cache is fetched again. Raises BadInput also for a data dir that does not
    exist or cannot be written when it must be, and for data that is not here when `offline`; Cancelled when
    `cancelled()` turns true; ClipwatchError when all mirrors fail, offline for a damaged cache, and for a broken
    torchvision. Torchvision is imported only to download.
    """
    request = Request(
        data_dir=_existing(data_dir),
        offline=is_offline(offline),
        report=report,
        cancelled=cancelled,
        limits=limits or Limits(),
    )
    if name == "digits":
        return _digits()
    return _auto(request) if name == "auto" else _explicit(request, KINDS[name])


def _existing(data_dir: str | None) -> Path | None:
    if data_dir is None:
        return None
    path = user_path(data_dir)
    try:
        os.listdir(path)
    except FileNotFoundError as error:
        raise BadInput(f"data dir {path_text(path)}: no such folder") from error
    except NotADirectoryError as error:
        raise BadInput(f"data dir {path_text(path)}: not a folder; give the one that the files are in") from error
    except OSError as error:
        raise BadInput(f"data dir {path_text(path)}: cannot be read: {error.strerror}") from error
    return path


def _digits() -> Dataset:
    images, labels = digits.read_digits()
    return _split("digits", Obtained(images, labels, digits.ORIGIN), digits.VALIDATION)


def _auto(request: Request) -> Dataset:
    kind = KINDS["mnist"]
    try:
        if found := present(request, kind):
            return _split(kind.name, found, kind.validation)
        if not request.offline:
            return _split(kind.name, downloaded(request, kind, hasty=True), kind.validation)
        reason = wanting(request, kind)
    except NoHome as error:
        reason = str(error)
    except (BadInput, Cancelled):
        raise
    # The edge of the network and the cache: there is other data, whatever fails.
    except Exception as error:
        _log.debug("auto", exc_info=True)
        reason = one_line(error)
    request.report(Notice(text=f"using the {digits.ORIGIN} in place of mnist: {reason}"))
    return _digits()


def _explicit(request: Request, kind: Kind) -> Dataset:
    found = present(request, kind)
    if found is None and request.offline:
        raise BadInput(
            f"{wanting(request, kind)}: {GO_ONLINE}, give its files with --data-dir, or take --dataset digits"
        )
    return _split(kind.name, found or downloaded(request, kind), kind.validation)


def _split(name: str, obtained: Obtained, validation: int) -> Dataset:
    """The first `validation` images validate, the others train; both are views, no copies."""
    images, labels = obtained.images, obtained.labels
    info = DatasetInfo(
        name=name,
        origin=obtained.origin,
        training=len(images) - validation,
        validation=validation,
        checksum=_checksum(images, labels),
    )
    return Dataset(
        info,
        training=Split(images[validation:], labels[validation:]),
        validation=Split(images[:validation], labels[:validation]),
    )


def _checksum(images: np.ndarray, labels: np.ndarray) -> str:
    """SHA-256 of all images in file order (validation, then training), a byte a pixel, then all labels, a byte each."""
    digest = hashlib.sha256(images.data)
    digest.update(labels.astype(np.uint8).data)
    return digest.hexdigest()
