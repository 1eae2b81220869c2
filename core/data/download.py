"""Fetching one file over HTTP from mirrors that may refuse, stall, break off or send something else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
import requests

from ..errors import Cancelled, ClipwatchError
from ..files.paths import path_text
from ..stream.config import MOST
from ..stream.events import AnyEvent, DownloadProgressed
from .background import awaited, in_background
from .failures import START, host, in_words, wrong_content
from .limits import Limits
from .mirrors import HEADERS, Source, as_sent
from .publishing import Unwritable

# Pooch announces each download on standard error, where the screen is.
pooch.get_logger().setLevel(logging.WARNING)


class MirrorFailed(ClipwatchError):
    """One mirror did not give the file; the message says what it did."""


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches files into `folder`, within `limits`, telling `report` of progress until `cancelled()`."""

    folder: Path
    limits: Limits
    report: Callable[[AnyEvent], None]
    cancelled: Callable[[], bool]

    def fetch(self, source: Source) -> str:
        """Download the file; returns the address that gave it, with the right MD5.

        Raises ClipwatchError when every mirror has failed in every round, saying what each did last; Unwritable;
        and Cancelled.
        """
        failures: dict[str, str] = {}
        for turn in range(self.limits.rounds):
            self._pause(turn * self.limits.pause)
            for url in source.urls:
                try:
                    self._attempt(source, url)
                except MirrorFailed as failure:
                    failures[host(url)] = str(failure)
                else:
                    return url
        each = "; ".join(f"{mirror} {reason}" for mirror, reason in failures.items())
        raise ClipwatchError(
            f"cannot download {source.file}: {each}. Try again later, give the files with --data-dir,"
            " or take --dataset digits"
        )

    def _attempt(self, source: Source, url: str) -> None:
        transfer = _Transfer(source.file, self)
        download = in_background(lambda: _retrieve(source, url, transfer))
        try:
            awaited(download, transfer.check, self.limits.poll)
        finally:
            transfer.abandoned = True
        size = (self.folder / source.file).stat().st_size
        self.report(DownloadProgressed(file=source.file, received=size, total=size))

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.cancelled():
                raise Cancelled("stopped while downloading")
            time.sleep(min(left, self.limits.poll))


class _Transfer:
    """How far one attempt is: pooch's progress bar in the thread that downloads, watched from the one that waits."""

    def __init__(self, file: str, fetcher: Fetcher) -> None:
        self.total = 0
        self.received = 0
        self.abandoned = False
        self.last_heard = time.monotonic()
        self.fetcher = fetcher
        self._file = file
        self._told = -1

    @property
    def _expected(self) -> int | None:
        """How many bytes will come in all, as far as the server can be believed."""
        return self.total if 0 < self.total <= MOST else None

    def update(self, count: int) -> None:
        """A chunk has come. Pooch counts the last one as if it were full."""
        if self.abandoned:
            raise Cancelled("nobody waits for this download any more")
        self.received = min(self.received + count, self._expected or self.received + count)
        self.last_heard = time.monotonic()

    def reset(self) -> None:
        """Pooch starts counting afresh before it adds the total at the end; this count needs no correction."""

    def close(self) -> None:
        """Nothing to close."""

    def check(self) -> None:
        """Report progress if there is any; raise Cancelled, or MirrorFailed when nothing has come for too long."""
        if self.fetcher.cancelled():
            raise Cancelled("stopped while downloading")
        if time.monotonic() - self.last_heard > self.fetcher.limits.stall:
            raise MirrorFailed(f"sent nothing for {self.fetcher.limits.stall:g} s")
        if self.received != self._told:
            self._told = self.received
            self.fetcher.report(
                DownloadProgressed(file=self._file, received=self._told, total=self._expected),
            )


def _retrieve(source: Source, url: str, transfer: _Transfer) -> None:
    """Let pooch download and check the file; raises MirrorFailed or Unwritable, so that no other OSError gets out."""
    limits, folder = transfer.fetcher.limits, transfer.fetcher.folder
    responses: list[requests.Response] = []
    progress: Any = transfer  # any object with these methods will do, though pooch declares a bool
    downloader = pooch.HTTPDownloader(
        progressbar=progress,
        chunk_size=limits.chunk,
        headers=HEADERS,
        timeout=(limits.connect, limits.stall),
        hooks={"response": [as_sent, lambda response, **_: responses.append(response)]},
    )

    def download(url: str, output_file: str, asker: object) -> None:
        try:
            downloader(url, output_file, asker)
        except ValueError as error:
            # An address; pooch's own, for a wrong checksum, comes later.
            raise MirrorFailed(in_words(error, url, limits)) from error
        _check_gzipped(Path(output_file))

    checked: Any = download  # pooch declares other names for its three arguments than it has itself
    try:
        pooch.retrieve(url, f"md5:{source.md5}", fname=source.file, path=folder, downloader=checked)
    except requests.RequestException as error:
        raise MirrorFailed(in_words(error, url, limits)) from error
    except ValueError as error:
        raise MirrorFailed("sent something else (wrong checksum)") from error
    except OSError as error:
        if error.errno is None:  # of requests, which lets it through
            raise MirrorFailed(in_words(error, url, limits)) from error
        raise Unwritable(f"cannot write to {path_text(folder)}: {error.strerror or error}") from error
    finally:
        for response in responses:  # pooch leaves those open that fail
            response.close()


def _check_gzipped(path: Path) -> None:
    with path.open("rb") as file:
        trouble = wrong_content(file.read(START))
    if trouble:
        raise MirrorFailed(trouble)
