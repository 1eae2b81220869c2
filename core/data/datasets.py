"""Loads a data set from the user's data dir, the cache, a mirror, or the files that come with the program."""

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
from .idx import CorruptFile
from .offline import is_offline
from .packed_files import Content, checksum, read
from .request import Limits, Request

_log = logging.getLogger(__name__)
_GO_ONLINE = "start a new run once without --offline and CLIPWATCH_OFFLINE"


@dataclass(frozen=True)
class Split:
    """Images, uint8 (n, 28, 28) from 0 (background) to 255, and labels, int64 (n,) from 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The training and validation images, and a description of their origin."""

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
    """Load a data set by name: a key of `catalog.KINDS`, `digits`, or `auto`.

    It is read from `data_dir` (see `lookup.find`), or else from the cache. If it is in neither, it is downloaded to
    `data_dir`, or without one to the cache, unless `offline` or the environment forbids that. `auto` is MNIST if it is
    on this machine or a mirror answers within `limits.answer` seconds. Otherwise it is the digits; a Notice says why.

    All files are checked before use (`packed_files.read`). A file in `data_dir` that fails is never replaced: it raises
    BadInput, even for `auto`. A file in the cache that fails is downloaded again. Also raises BadInput for a data dir
    that does not exist or cannot be written, and for data that is missing when `offline`; Cancelled when `cancelled()`
    returns true; ClipwatchError when all mirrors fail, or when the cache is damaged and `offline` is set.
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
    # The digits replace MNIST, whatever failed in the network or the cache.
    except Exception as error:
        _log.debug("auto", exc_info=True)
        reason = one_line(error)
    request.report(Notice(text=f"using the embedded digits instead of mnist: {reason}"))
    return _digits()


def _explicit(request: Request, kind: Kind) -> Dataset:
    found = _find(request, kind)
    if found is None and request.offline:
        raise BadInput(
            f"{_absence(request, kind)}: {_GO_ONLINE}, give its files with --data-dir, or use --dataset digits"
        )
    return found or _download(request, kind)


def _absence(request: Request, kind: Kind) -> str:
    absence = lookup.absence(request.data_dir, kind) if request.data_dir else f"{kind.name} is not on this machine"
    return f"{absence}; offline forbids downloading it"


def _find(request: Request, kind: Kind) -> Dataset | None:
    """The data set if it is on this machine. None also if the cached files are damaged and may be downloaded again."""
    if request.data_dir is None:
        return _find_cached(request, kind)
    if files := lookup.find(request.data_dir, kind):
        return _split(read(files, kind), kind.name, f"files in {path_text(request.data_dir)}", kind.validation)
    try:
        cached = _find_cached(request, kind)
    except (cache.Unreadable, NoHome):
        return None  # With a data dir, the cache is not needed.
    if cached:
        _report_others(request, kind, "using the cache")
    return cached


def _find_cached(request: Request, kind: Kind) -> Dataset | None:
    files = cache.downloaded_files(cache.cache_folder(), kind)
    try:
        return files and _split(read(files, kind, kind.md5), kind.name, "cache", kind.validation)
    except CorruptFile as error:
        if request.offline:
            raise ClipwatchError(f"{error}; offline forbids downloading it again: {_GO_ONLINE}") from error
        request.report(Notice(text=f"{error}; downloading it again"))
        return None


def _report_others(request: Request, kind: Kind, what: str) -> None:
    """Send a notice of what the data dir holds instead of the files; `what` says where the data comes from."""
    if request.data_dir is not None and lookup.holds_others(request.data_dir, kind):
        request.report(Notice(text=f"{lookup.absence(request.data_dir, kind)}; {what}"))


def _download(request: Request, kind: Kind, *, hasty: bool = False) -> Dataset:
    """Download the data set, unless another process does so first. `hasty`: only if a mirror answers soon."""
    # Imported here, because they import requests (0.2 s) and torchvision, which are not needed to read the cache.
    from . import download
    from .mirrors import find_mirrors

    _report_others(request, kind, "downloading it from a mirror")
    mirrors = find_mirrors(kind, request)
    if hasty:
        request.report(StageStarted(stage=f"looking for {kind.name} at a mirror, {request.limits.answer:g} s at most"))
        mirrors = download.preferring(download.first_to_answer(mirrors, kind, request), mirrors)
    home = request.data_dir or cache.cache_folder()
    with cache.writing(home, kind, request):
        # Another process may have downloaded it meanwhile.
        if found := _find(replace(request, report=lambda event: None), kind):
            return found
        request.report(StageStarted(stage=f"downloading {kind.name}"))
        packed, host = download.download(kind, mirrors, request)
        try:
            content = read(cache.store(packed, home, kind), kind, kind.md5)
        except CorruptFile as error:  # Not BadInput: the cause is the mirror or the disk.
            raise ClipwatchError(f"{kind.name} from {host} cannot be used: {error}") from error
    return _split(content, kind.name, f"downloaded from {host}", kind.validation)


def _split(content: Content, name: str, origin: str, validation: int) -> Dataset:
    """Split the content: the first `validation` images are the validation set. Both parts are views."""
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
