"""A data set, loaded from the user's data dir, the cache, a mirror, or the program itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from errno import ENOENT, ENOTDIR
from pathlib import Path

import numpy as np

from ..errors import BadInput, Cancelled, ClipwatchError, one_line
from ..files.paths import NoHome, path_text, user_path
from ..stream.events import AnyEvent, DatasetInfo, Notice, StageStarted
from . import cache, digits, lookup
from .catalog import KINDS, Kind
from .content import Content, checksum, read
from .idx import CorruptFile
from .offline import is_offline
from .request import Limits, Request

_log = logging.getLogger(__name__)
_GO_ONLINE = "start a new run once without --offline and CLIPWATCH_OFFLINE"


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

    All files are checked before use (`content.read`). One in `data_dir` that fails is never replaced but raises
    BadInput, also under `auto`; one in the cache is downloaded again. Raises BadInput also for a data dir that does
    not exist or cannot be written when it must be, and for data that is not here when `offline`; Cancelled when
    `cancelled()` turns true; ClipwatchError when all mirrors fail, and offline for a damaged cache.
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
    except OSError as error:
        reasons = {ENOENT: "no such folder", ENOTDIR: "not a folder; give the one that the files are in"}
        reason = reasons.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise BadInput(f"data dir {path_text(path)}: {reason}") from error
    return path


def _digits() -> Dataset:
    images, labels = digits.read_digits()
    content = Content(images, labels, checksum(images, labels))
    return _split(content, "digits", digits.ORIGIN, digits.VALIDATION)


def _auto(request: Request) -> Dataset:
    kind = KINDS["mnist"]
    try:
        if found := _find(request, kind):
            return found
        if not request.offline:
            return _download(request, kind, hasty=True)
        reason = _absence(request, kind)
    except NoHome as error:
        reason = str(error)
    except (BadInput, Cancelled):
        raise
    # Whatever fails in the network or the cache, there is other data.
    except Exception as error:
        _log.debug("auto", exc_info=True)
        reason = one_line(error)
    request.report(Notice(text=f"using the {digits.ORIGIN} in place of mnist: {reason}"))
    return _digits()


def _explicit(request: Request, kind: Kind) -> Dataset:
    found = _find(request, kind)
    if found is None and request.offline:
        raise BadInput(
            f"{_absence(request, kind)}: {_GO_ONLINE}, give its files with --data-dir, or take --dataset digits"
        )
    return found or _download(request, kind)


def _absence(request: Request, kind: Kind) -> str:
    absence = lookup.absence(request.data_dir, kind) if request.data_dir else f"{kind.name} is not on this machine"
    return f"{absence}; offline forbids fetching it"


def _find(request: Request, kind: Kind) -> Dataset | None:
    """The data set, if it is on this machine; None if it is damaged in the cache and may be fetched again."""
    if request.data_dir is None:
        return _find_cached(request, kind)
    if files := lookup.find(request.data_dir, kind):
        return _split(read(files, kind), kind.name, f"files in {path_text(request.data_dir)}", kind.validation)
    try:
        cached = _find_cached(request, kind)
    except (cache.Unreadable, NoHome):
        return None  # a data dir does without the cache
    if cached:
        _report_others(request, kind, "the cache is taken")
    return cached


def _find_cached(request: Request, kind: Kind) -> Dataset | None:
    files = cache.downloaded_files(cache.cache_folder(), kind)
    try:
        return files and _split(read(files, kind, kind.md5), kind.name, "cache", kind.validation)
    except CorruptFile as error:
        if request.offline:
            raise ClipwatchError(f"{error}; offline forbids fetching it again: {_GO_ONLINE}") from error
        request.report(Notice(text=f"{error}; fetching it again"))
        return None


def _report_others(request: Request, kind: Kind, what: str) -> None:
    """Report what the data dir holds instead of the files, and where the data is taken from."""
    if request.data_dir is not None and lookup.holds_others(request.data_dir, kind):
        request.report(Notice(text=f"{lookup.absence(request.data_dir, kind)}; {what}"))


def _download(request: Request, kind: Kind, *, hasty: bool = False) -> Dataset:
    """Download the data set, unless another process does so first. `hasty`: only if some mirror answers soon."""
    # These import requests, which takes 0.2 s, and torchvision: a start from the cache does without.
    from . import download
    from .mirrors import find_mirrors

    _report_others(request, kind, "fetching it from a mirror")
    mirrors = find_mirrors(kind, request)
    if hasty:
        request.report(StageStarted(stage=f"looking for {kind.name} at a mirror, {request.limits.answer:g} s at most"))
        mirrors = download.preferring(download.first_to_answer(mirrors, kind, request), mirrors)
    home = request.data_dir or cache.cache_folder()
    with cache.writing(home, kind, request):
        # Another process may have fetched it meanwhile.
        if found := _find(replace(request, report=lambda event: None), kind):
            return found
        request.report(StageStarted(stage=f"downloading {kind.name}"))
        packed, host = download.download(kind, mirrors, request)
        try:
            content = read(cache.store(packed, home, kind), kind, kind.md5)
        except CorruptFile as error:  # the mirror's fault or the disk's, not the user's input
            raise ClipwatchError(f"{kind.name} from {host} cannot be used: {error}") from error
    return _split(content, kind.name, f"downloaded from {host}", kind.validation)


def _split(content: Content, name: str, origin: str, validation: int) -> Dataset:
    """The first `validation` images validate, the others train; both are views, no copies."""
    images, labels = content.images, content.labels
    info = DatasetInfo(
        name=name,
        origin=origin,
        training=len(images) - validation,
        validation=validation,
        checksum=content.checksum,
    )
    return Dataset(
        info,
        training=Split(images[validation:], labels[validation:]),
        validation=Split(images[:validation], labels[:validation]),
    )
