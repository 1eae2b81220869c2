"""Downloads the files of a data set from mirrors, which may refuse, stall, break off or send something else."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import TypeVar

import requests

from ..errors import Cancelled, ClipwatchError
from ..stream.events import DownloadProgressed
from ..stream.limits import MOST
from .catalog import Kind
from .download_errors import START, describe, host, wrong_content
from .request import Limits, Request

Result = TypeVar("Result")
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "clipwatch"}


class MirrorFailed(ClipwatchError):
    """A mirror did not deliver a file. The message says what it did instead."""


def first_to_answer(mirrors: Iterable[str], kind: Kind, request: Request) -> str:
    """Request the labels from all mirrors at once, and return the first mirror that begins to send them.

    Raises ClipwatchError if none does within `limits.answer` seconds. The message says what each did.
    """
    answer = request.limits.answer
    limits = replace(request.limits, connect=answer, stall=answer, chunk=START)
    urls = {f"{mirror}/{kind.labels}.gz": mirror for mirror in mirrors}
    requested = {_in_background(lambda url=url: next(_chunks(url, limits))): url for url in urls}
    failures = {host(url): f"did not answer within {answer:g} s" for url in urls}
    waiting = set(requested)
    deadline = time.monotonic() + answer
    while waiting and time.monotonic() < deadline:
        request.check_cancelled("looking for a mirror")
        done, waiting = wait(waiting, timeout=limits.poll, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                future.result()
            except MirrorFailed as failure:
                failures[host(requested[future])] = str(failure)
            else:
                return urls[requested[future]]
    raise ClipwatchError(f"no mirror answered with {kind.labels}.gz: {_join_failures(failures)}")


def preferring(first: str, mirrors: Iterable[str]) -> list[str]:
    """The mirrors, with `first` moved to the front."""
    return sorted(mirrors, key=lambda mirror: mirror != first)


def download(kind: Kind, mirrors: list[str], request: Request) -> tuple[dict[str, bytes], str]:
    """Download the gzipped files and check their MD5s. Return them by name, and the host of the last one.

    Raises Cancelled, and ClipwatchError when every mirror has failed in every round; it says what each did last.
    """
    packed: dict[str, bytes] = {}
    source = mirrors[0]
    for file, md5 in kind.packed.items():
        packed[file], source = _from_any(preferring(source, mirrors), file, md5, request)
    return packed, host(source)


def _from_any(mirrors: Iterable[str], file: str, md5: str, request: Request) -> tuple[bytes, str]:
    """Download a file; return it with the mirror that delivered it."""
    failures: dict[str, str] = {}
    for turn in range(request.limits.rounds):
        _pause(turn * request.limits.pause, request)
        for mirror in mirrors:
            url = f"{mirror}/{file}"
            try:
                return _from_mirror(url, md5, request), mirror
            except MirrorFailed as failure:
                failures[host(url)] = str(failure)
    raise ClipwatchError(
        f"cannot download {file}: {_join_failures(failures)}. Try again later, give the files with --data-dir,"
        " or use --dataset digits"
    )


def _join_failures(failures: Mapping[str, str]) -> str:
    return "; ".join(f"{mirror} {failure}" for mirror, failure in failures.items())


def _pause(seconds: float, request: Request) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        request.check_cancelled("downloading")
        time.sleep(min(left, request.limits.poll))


def _from_mirror(url: str, md5: str, request: Request) -> bytes:
    """Download the file at an address and report progress. Raises MirrorFailed, also if nothing arrives for long."""
    limits, file = request.limits, url.rpartition("/")[2]
    transfer = _Transfer()
    future = _in_background(lambda: transfer.run(url, limits))
    received, since = -1, 0.0
    try:
        while not future.done():
            request.check_cancelled("downloading")
            if len(transfer.content) != received:
                received, since = len(transfer.content), time.monotonic()
                request.report(DownloadProgressed(file=file, received=received, total=transfer.total))
            elif time.monotonic() - since > limits.stall:
                raise MirrorFailed(f"sent nothing for {limits.stall:g} s")
            wait([future], timeout=limits.poll)
        future.result()
    finally:
        transfer.abandoned = True
    if hashlib.md5(transfer.content, usedforsecurity=False).hexdigest() != md5:
        raise MirrorFailed("sent something else (wrong checksum)")
    size = len(transfer.content)
    request.report(DownloadProgressed(file=file, received=size, total=size))
    return bytes(transfer.content)


@dataclass
class _Transfer:
    """An attempt to download a file. One thread runs it, another watches its progress."""

    content: bytearray = field(default_factory=bytearray)
    total: int | None = None
    abandoned: bool = False

    def run(self, url: str, limits: Limits) -> None:
        for chunk, self.total in _chunks(url, limits):
            if self.abandoned:
                raise Cancelled("nobody waits for this download any more")
            self.content += chunk
            if len(self.content) > limits.size:
                raise MirrorFailed(f"sent more than {limits.size:,} bytes")


def _chunks(url: str, limits: Limits) -> Iterator[tuple[bytes, int | None]]:
    """Yield the gzip file at an address in chunks, each with the size of the whole file if the server states it.

    Raises MirrorFailed for every failure.
    """
    try:
        with requests.get(
            url,
            headers=_HEADERS,
            hooks={"response": _keep_packed},
            stream=True,
            timeout=(limits.connect, limits.stall),
        ) as response:
            response.raise_for_status()
            total = _size(response.headers.get("Content-Length", ""))
            chunks = response.iter_content(limits.chunk)
            first = next(chunks, b"")
            if trouble := wrong_content(first):
                raise MirrorFailed(trouble)
            for chunk in itertools.chain([first], chunks):
                yield chunk, total
    except (OSError, ValueError) as error:  # What requests raises, and what it lets through.
        raise MirrorFailed(describe(error, url, limits)) from error


def _keep_packed(response: requests.Response, *_args: object, **_kwargs: object) -> None:
    """Keep `.gz` files gzipped, as their MD5s are, if a server declares gzip as content encoding (a requests hook)."""
    response.raw.headers.pop("Content-Encoding", None)


def _size(length: str) -> int | None:
    """The value of a Content-Length header, if it is plausible."""
    return int(length) if length.isdecimal() and 0 < int(length) <= MOST else None


def _in_background(work: Callable[[], Result]) -> Future[Result]:
    """Start work that may block for long (a name lookup, a silent server) in a thread; return a future of its result.

    The thread is a daemon, so the program can end without waiting for it.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # The boundary of the thread: `Future.result` raises it.
            future.set_exception(error)

    Thread(target=run, daemon=True, name="clipwatch-download").start()
    return future
