"""Where data files can be fetched and what their checksums are, which torchvision knows; and which mirror answers.

CLIPWATCH_MIRRORS, a list of addresses separated by commas, replaces torchvision's mirrors (not its checksums), for a
classroom that keeps the `.gz` files on a server of its own. In it, `{dataset}` stands for the data set's name.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import Any

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ..errors import BadInput, Cancelled, ClipwatchError
from .background import in_background
from .catalog import Kind
from .failures import START, host, in_words, wrong_content
from .limits import Limits

HEADERS = {"Accept-Encoding": "identity", "User-Agent": "clipwatch"}


def as_sent(response: requests.Response, *_args: object, **_kwargs: object) -> None:
    """A hook for requests. Some servers call a `.gz` file an encoding; unpacked, its checksum would not fit."""
    response.raw.headers.pop("Content-Encoding", None)


@dataclass(frozen=True)
class Source:
    """A `.gz` file to fetch: its name, its MD5 and every address it may be had from."""

    file: str
    md5: str
    urls: tuple[str, ...]


def sources(kind: Kind) -> tuple[Source, ...]:
    """The images and the labels of `kind`; ClipwatchError if torchvision cannot be imported."""
    known = getattr(_torchvision_datasets(), kind.folder)
    entries = known.resources["train"] if isinstance(known.resources, dict) else known.resources
    by_name = {address.rpartition("/")[2]: (address, md5) for address, md5 in entries}
    return tuple(_source(f"{name}.gz", *by_name[f"{name}.gz"], known.mirrors, kind) for name in kind.files)


def _source(file: str, address: str, md5: str, mirrors: list[str], kind: Kind) -> Source:
    base = address.rpartition("/")[0]
    bases = _own_mirrors(kind) or ([base] if base else mirrors)
    return Source(file, md5, tuple(f"{base.rstrip('/')}/{file}" for base in bases))


def _own_mirrors(kind: Kind) -> list[str]:
    bases = os.environ.get("CLIPWATCH_MIRRORS", "").split(",")
    return [_checked(base.strip().replace("{dataset}", kind.name)) for base in bases if base.strip()]


def _checked(base: str) -> str:
    try:
        parse_url(base)
    except LocationParseError as error:
        raise BadInput(
            f"CLIPWATCH_MIRRORS: {base.rpartition('@')[2]} is no web address: write https://HOST/PATH"
        ) from error
    return base


def _torchvision_datasets() -> Any:
    try:
        return importlib.import_module("torchvision.datasets")
    # A torchvision built for another torch fails in any of these ways ("operator torchvision::nms does not exist").
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        raise ClipwatchError(
            f"torchvision cannot be imported ({str(error).splitlines()[0] if str(error) else type(error).__name__});"
            " install it and torch together: pip install --upgrade --force-reinstall torch torchvision"
        ) from error


def preferring(source: Source, url: str) -> Source:
    """The same source, the mirror of `url` first."""
    base = url.rpartition("/")[0]
    return Source(source.file, source.md5, tuple(sorted(source.urls, key=lambda u: u.rpartition("/")[0] != base)))


def first_to_answer(source: Source, limits: Limits, cancelled: Callable[[], bool]) -> str:
    """The address that first begins to send the file, all asked at once.

    Raises ClipwatchError if none does within `limits.answer` seconds, saying what each did.
    """
    asked = {in_background(lambda url=url: _trouble(url, limits)): url for url in source.urls}
    troubles = dict.fromkeys(source.urls, f"did not answer within {limits.answer:g} s")
    waiting: set[Future[str | None]] = set(asked)
    deadline = time.monotonic() + limits.answer
    while waiting and time.monotonic() < deadline:
        if cancelled():
            raise Cancelled("stopped while looking for a mirror")
        done, waiting = wait(waiting, timeout=limits.poll, return_when=FIRST_COMPLETED)
        for future in done:
            trouble = future.result()
            if trouble is None:
                return asked[future]
            troubles[asked[future]] = trouble
    each = "; ".join(f"{host(url)} {trouble}" for url, trouble in troubles.items())
    raise ClipwatchError(f"no mirror answered with {source.file}: {each}")


def _trouble(url: str, limits: Limits) -> str | None:
    """Why the address does not send gzipped data; None if it does."""
    hooks = {"response": as_sent}
    try:
        with requests.get(url, headers=HEADERS, hooks=hooks, stream=True, timeout=limits.answer) as response:
            response.raise_for_status()
            return wrong_content(next(response.iter_content(START), b""))
    except (OSError, ValueError) as error:  # all that requests raises, and what it lets through
        return in_words(error, url, replace(limits, connect=limits.answer, stall=limits.answer))
