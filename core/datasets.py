"""What a data set is, and getting one: from a folder given, the cache, a mirror, or the program itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import digits, publishing, store
from .catalog import KINDS, Kind
from .errors import BadInput, Cancelled, ClipwatchError
from .events import AnyEvent, DatasetInfo, Notice, StageStarted
from .idx import CorruptFile
from .limits import Limits

if TYPE_CHECKING:
    from .mirrors import Source


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


@dataclass(frozen=True, kw_only=True)
class _Request:
    """What `load` was asked, handed down."""

    data_dir: Path | None
    offline: bool
    report: Callable[[AnyEvent], None]
    cancelled: Callable[[], bool]
    limits: Limits

    @property
    def home(self) -> Path:
        """The folder that a download goes into."""
        return self.data_dir or store.cache_folder()


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

    Taken from `data_dir` (in torchvision's layout or directly, gzipped or not), else from the cache, else downloaded
    into the first of these that there is, unless `offline`. `auto` is MNIST if it is here or some mirror answers within
    `limits.answer` seconds, else the digits, with a Notice that says why.

    All files are checked before use (`store.read_files`). One in `data_dir` that fails is never replaced but raises
    BadInput, also under `auto`; one in the cache is fetched again. Raises BadInput also for a data dir that does not
    exist or cannot be written when it must be, and for data that is not here when `offline`; Cancelled when
    `cancelled()` turns true; ClipwatchError when all mirrors fail, offline for a damaged cache, and for a broken
    torchvision. Torchvision is imported only to download.
    """
    request = _Request(
        data_dir=_existing(data_dir), offline=offline, report=report, cancelled=cancelled, limits=limits or Limits()
    )
    if name == "digits":
        return _digits()
    return _auto(request) if name == "auto" else _explicit(request, KINDS[name])


def _existing(data_dir: str | None) -> Path | None:
    if data_dir is None:
        return None
    path = Path(data_dir).expanduser()
    if not path.is_dir():
        raise BadInput(f"data dir {path}: {'not a folder' if path.exists() else 'no such folder'}")
    return path


def _digits() -> Dataset:
    images, labels = digits.read_digits()
    return _split("digits", digits.ORIGIN, images, labels, digits.VALIDATION)


def _auto(request: _Request) -> Dataset:
    kind = KINDS["mnist"]
    try:
        present = _present(request, kind)
        if present is not None:
            return present
        if not request.offline:
            return _downloaded(request, kind, hasty=True)
        reason = "mnist is not on this machine and offline forbids fetching it"
    except (BadInput, Cancelled):
        raise
    except ClipwatchError as error:
        reason = str(error)
    request.report(Notice(text=f"using the {digits.ORIGIN} in place of mnist: {reason}"))
    return _digits()


def _explicit(request: _Request, kind: Kind) -> Dataset:
    present = _present(request, kind)
    if present is not None:
        return present
    if request.offline:
        raise BadInput(
            f"dataset {kind.name} is not on this machine and offline forbids fetching it:"
            " run once without --offline, give its files with --data-dir, or take --dataset digits"
        )
    return _downloaded(request, kind)


def _present(request: _Request, kind: Kind, *, tell: bool = False) -> Dataset | None:
    """The data set if it is on this machine; None if it is not, or is in the cache but damaged and can be fetched."""
    if request.data_dir is not None and (given := store.find(request.data_dir, kind)):
        return _read(given, kind, f"files in {request.data_dir}")
    cached = store.find_published(store.cache_folder(), kind)
    if cached is None:
        return None
    try:
        return _read(cached, kind, "cache")
    except CorruptFile as error:
        if request.offline:
            raise ClipwatchError(f"{error}; offline forbids fetching it again: run once without --offline") from error
        if tell:
            request.report(Notice(text=f"{error}; fetching it again"))
        return None


def _downloaded(request: _Request, kind: Kind, *, hasty: bool = False) -> Dataset:
    """Fetch the data set, unless another process does so first; `hasty`: only if some mirror answers soon."""
    # Both import much that a start from the cache does without.
    from . import mirrors

    request.report(StageStarted(stage="loading torchvision, which knows the mirrors"))
    sources = mirrors.sources(kind)
    if hasty:
        answering = mirrors.first_to_answer(sources[-1], request.limits, request.cancelled)
        sources = tuple(mirrors.preferring(source, answering) for source in sources)
    limits, report, cancelled = request.limits, request.report, request.cancelled
    try:
        with publishing.locked(request.home, kind, limits=limits, report=report, cancelled=cancelled):
            # Only now is damage certain: before, another process may have been in the midst of publishing.
            present = _present(request, kind, tell=True)
            return present or _fetched(request, kind, sources)
    except publishing.Unwritable as error:
        if request.data_dir is None:
            raise
        raise BadInput(f"data dir: {error}") from error


def _fetched(request: _Request, kind: Kind, sources: tuple[Source, ...]) -> Dataset:
    from .download import Fetcher
    from .mirrors import host, preferring

    request.report(StageStarted(stage=f"downloading {kind.name}"))
    url = ""
    with publishing.staging(request.home, kind) as stage:
        fetcher = Fetcher(folder=stage, limits=request.limits, report=request.report, cancelled=request.cancelled)
        for source in sources:
            url = fetcher.fetch(preferring(source, url))
        if request.cancelled():
            raise Cancelled("stopped while downloading")
        try:
            files = publishing.publish(stage, request.home, kind, url)
            return _read(files, kind, f"downloaded from {host(url)}")
        except CorruptFile as error:  # the mirror's fault or the disk's, not the user's input
            raise ClipwatchError(f"{kind.name} from {host(url)} cannot be used: {error}") from error


def _read(files: store.Files, kind: Kind, origin: str) -> Dataset:
    images, labels = store.read_files(files, kind)
    return _split(kind.name, origin, images, labels, kind.validation)


def _split(name: str, origin: str, images: np.ndarray, labels: np.ndarray, validation: int) -> Dataset:
    """The first `validation` images validate, the others train; both are views, no copies."""
    info = DatasetInfo(
        name=name,
        origin=origin,
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
