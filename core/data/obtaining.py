"""Getting the files of a data set: from a folder given, from the cache, or from a mirror."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput, Cancelled, ClipwatchError
from ..files.paths import NoHome, path_text
from ..stream.events import AnyEvent, Notice, StageStarted
from . import lookup, publishing, store
from .catalog import Kind
from .idx import CorruptFile
from .limits import Limits

if TYPE_CHECKING:
    from .mirrors import Source


GO_ONLINE = "start a new run once without --offline and CLIPWATCH_OFFLINE"


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


def present(request: Request, kind: Kind) -> Obtained | None:
    """The data set if it is on this machine; None if it is not, or is in the cache but damaged and can be fetched."""
    if request.data_dir is not None and (given := lookup.find(request.data_dir, kind)):
        return _read(given, kind, f"files in {path_text(request.data_dir)}")
    try:
        cached = _cached(request, kind)
    except (store.Unreadable, NoHome):
        if request.data_dir is None:
            raise
        return None  # a folder given does without the cache
    if cached:
        _tell_of_others(request, kind, "the cache is taken")
    return cached


def _cached(request: Request, kind: Kind, *, tell: bool = False) -> Obtained | None:
    files = store.find_published(store.cache_folder(), kind)
    if files is None:
        return None
    try:
        return _read(files, kind, "cache")
    except CorruptFile as error:
        if request.offline:
            raise ClipwatchError(f"{error}; offline forbids fetching it again: {GO_ONLINE}") from error
        if tell:
            request.report(Notice(text=f"{error}; fetching it again"))
        return None


def _tell_of_others(request: Request, kind: Kind, what: str) -> None:
    """Nothing is fetched silently beside what the user may have meant."""
    if request.data_dir is not None and lookup.holds_others(request.data_dir, kind):
        request.report(Notice(text=f"{lookup.absence(request.data_dir, kind)}; {what}"))


def wanting(request: Request, kind: Kind) -> str:
    """Why the data set is not here, and may not be fetched."""
    absence = lookup.absence(request.data_dir, kind) if request.data_dir else f"{kind.name} is not on this machine"
    return f"{absence}; offline forbids fetching it"


def downloaded(request: Request, kind: Kind, *, hasty: bool = False) -> Obtained:
    """Fetch the data set, unless another process does so first; `hasty`: only if some mirror answers soon."""
    # Imports requests, as `download` does pooch: a start from the cache is to do without both.
    from . import mirrors

    _tell_of_others(request, kind, "fetching it from a mirror")
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
            return _here_by_now(request, kind) or _fetched(request, kind, sources)
    except publishing.Unwritable as error:
        if request.data_dir is None:
            raise
        raise BadInput(f"data dir: {error}") from error


def _here_by_now(request: Request, kind: Kind) -> Obtained | None:
    """The data set if another process has fetched it meanwhile."""
    if request.data_dir is None:
        return _cached(request, kind, tell=True)
    fetched = store.find_published(request.data_dir, kind)
    return _read(fetched, kind, f"files in {path_text(request.data_dir)}") if fetched else None


def _fetched(request: Request, kind: Kind, sources: tuple[Source, ...]) -> Obtained:
    from .download import Fetcher
    from .failures import host
    from .mirrors import preferring

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
