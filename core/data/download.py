"""Downloading the files of a data set from mirrors that may refuse, stall, break off or send something else."""

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
from ..stream.config import MOST
from ..stream.events import DownloadProgressed
from .catalog import Kind
from .failures import START, describe, host, wrong_content
from .request import Limits, Request

Result = TypeVar("Result")
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "clipwatch"}


class MirrorFailed(ClipwatchError):
    """One mirror did not give the file; the message says what it did."""


def first_to_answer(mirrors: Iterable[str], kind: Kind, request: Request) -> str:
    """The mirror that first begins to send the labels, all asked at once.

    Raises ClipwatchError if none does within `limits.answer` seconds, saying what each did.
    """
    answer = request.limits.answer
    limits = replace(request.limits, connect=answer, stall=answer, chunk=START)
    urls = {f"{mirror}/{kind.labels}.gz": mirror for mirror in mirrors}
    asked = {_in_background(lambda url=url: next(_chunks(url, limits))): url for url in urls}
    failures = {host(url): f"did not answer within {answer:g} s" for url in urls}
    waiting = set(asked)
    deadline = time.monotonic() + answer
    while waiting and time.monotonic() < deadline:
        request.check_cancelled("looking for a mirror")
        done, waiting = wait(waiting, timeout=limits.poll, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                future.result()
            except MirrorFailed as failure:
                failures[host(asked[future])] = str(failure)
            else:
                return urls[asked[future]]
    raise ClipwatchError(f"no mirror answered with {kind.labels}.gz: {_listed(failures)}")


def preferring(first: str, mirrors: Iterable[str]) -> list[str]:
    """The mirrors, one of them moved to the front."""
    return sorted(mirrors, key=lambda mirror: mirror != first)


def download(kind: Kind, mirrors: list[str], request: Request) -> tuple[dict[str, bytes], str]:
    """The packed files by name, each with the right MD5, and the host of the last.

    Raises ClipwatchError when every mirror has failed in every round, saying what each did last; and Cancelled.
    """
    packed: dict[str, bytes] = {}
    source = mirrors[0]
    for file, md5 in kind.packed.items():
        packed[file], source = _from_any(preferring(source, mirrors), file, md5, request)
    return packed, host(source)


def _from_any(mirrors: Iterable[str], file: str, md5: str, request: Request) -> tuple[bytes, str]:
    """A file, and the mirror that gave it."""
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
        f"cannot download {file}: {_listed(failures)}. Try again later, give the files with --data-dir,"
        " or take --dataset digits"
    )


def _listed(failures: Mapping[str, str]) -> str:
    return "; ".join(f"{mirror} {failure}" for mirror, failure in failures.items())


def _pause(seconds: float, request: Request) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        request.check_cancelled("downloading")
        time.sleep(min(left, request.limits.poll))


def _from_mirror(url: str, md5: str, request: Request) -> bytes:
    """The file at an address, with progress reported; MirrorFailed when nothing has come for too long."""
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
    """One attempt to download a file: a thread runs it, another looks at how far it is."""

    content: bytearray = field(default_factory=bytearray)
    total: int | None = None
    abandoned: bool = False

    def run(self, url: str, limits: Limits) -> None:
        for chunk, self.total in _chunks(url, limits):
            if self.abandoned:
                raise Cancelled("nobody waits for this download any more")
            self.content += chunk


def _chunks(url: str, limits: Limits) -> Iterator[tuple[bytes, int | None]]:
    """The gzip file at an address in chunks, each with the size of the whole file if the server gives one.

    Raises MirrorFailed for whatever goes wrong.
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
    except (OSError, ValueError) as error:  # all that requests raises, and what it lets through
        raise MirrorFailed(describe(error, url, limits)) from error


def _keep_packed(response: requests.Response, *_args: object, **_kwargs: object) -> None:
    """A hook for requests. Some servers call a `.gz` file an encoding; unpacked, its checksum would not fit."""
    response.raw.headers.pop("Content-Encoding", None)


def _size(length: str) -> int | None:
    """The value of a Content-Length header, if it is plausible."""
    return int(length) if length.isdecimal() and 0 < int(length) <= MOST else None


def _in_background(work: Callable[[], Result]) -> Future[Result]:
    """Start work that may block for long (a name lookup, a silent server); its result or exception is the future's.

    The thread is a daemon: neither the caller nor the end of the program waits for it.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # the thread's boundary: whoever waits gets it
            future.set_exception(error)

    Thread(target=run, daemon=True, name="clipwatch-download").start()
    return future
