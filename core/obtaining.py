"""Getting the files of a data set: from a folder given, from the cache, or from a mirror."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import publishing, store
from .catalog import Kind
from .errors import BadInput, Cancelled, ClipwatchError
from .events import AnyEvent, Notice, StageStarted
from .idx import CorruptFile
from .limits import Limits

if TYPE_CHECKING:
    from .mirrors import Source


@dataclass(frozen=True)
class Obtained:
    """Images, uint8 (n, 28, 28), and labels, int64 (n,), of a whole data set, and where they are from, in words."""

    images: np.ndarray
    labels: np.ndarray
    origin: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for and allows, whatever the data set."""

    data_dir: Path | None
    offline: bool
    report: Callable[[AnyEvent], None]
    cancelled: Callable[[], bool]
    limits: Limits

    @property
    def home(self) -> Path:
        """The folder that a download goes into."""
        return self.data_dir or store.cache_folder()


def present(request: Request, kind: Kind, *, tell: bool = False) -> Obtained | None:
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


def downloaded(request: Request, kind: Kind, *, hasty: bool = False) -> Obtained:
    """Fetch the data set, unless another process does so first; `hasty`: only if some mirror answers soon."""
    # Imports requests, as `download` does pooch: a start from the cache is to do without both.
    from . import mirrors

    request.report(StageStarted(stage="loading torchvision, which knows the mirrors"))
    sources = mirrors.sources(kind)
    if hasty:
        request.report(StageStarted(stage=f"looking for {kind.name} at a mirror, {request.limits.answer:g} s at most"))
        answering = mirrors.first_to_answer(sources[-1], request.limits, request.cancelled)
        sources = tuple(mirrors.preferring(source, answering) for source in sources)
    limits, report, cancelled = request.limits, request.report, request.cancelled
    try:
        with publishing.locked(request.home, kind, limits=limits, report=report, cancelled=cancelled):
            # Only now is damage certain: before, another process may have been in the midst of publishing.
            return present(request, kind, tell=True) or _fetched(request, kind, sources)
    except publishing.Unwritable as error:
        if request.data_dir is None:
            raise
        raise BadInput(f"data dir: {error}") from error


def _fetched(request: Request, kind: Kind, sources: tuple[Source, ...]) -> Obtained:
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
            files = publishing.publish(stage, request.home, kind, host(url))
            return _read(files, kind, f"downloaded from {host(url)}")
        except CorruptFile as error:  # the mirror's fault or the disk's, not the user's input
            raise ClipwatchError(f"{kind.name} from {host(url)} cannot be used: {error}") from error


def _read(files: store.Files, kind: Kind, origin: str) -> Obtained:
    images, labels = store.read_files(files, kind)
    return Obtained(images, labels, origin)
