"""Reports the damaged lines of a recording or a sweep by their numbers, consecutive lines together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TypeVar

from ..errors import BadInput, ClipwatchError
from ..stream.codec import OtherSchema, UnknownEvent, is_sealed

_Event = TypeVar("_Event")
# The most ranges of lines that are reported one by one.
_RANGES = 10


class DamagedLine(ClipwatchError):
    """A line that is skipped. The message says why."""


def decode_sealed(line: bytes, decode: Callable[[bytes], _Event]) -> _Event:
    """The event of a line from disk. Raises DamagedLine, or OtherSchema or UnknownEvent for other versions' lines.

    A CRLF line end, which an editor or a copy may have made, is not damage.
    """
    line = line.removesuffix(b"\r")
    sealed = is_sealed(line)
    try:
        event = decode(line)
    except BadInput as error:
        if not sealed:
            raise DamagedLine("damaged") from error
        if isinstance(error, OtherSchema | UnknownEvent):
            raise
        raise DamagedLine("not understood by this version") from error
    if not sealed:
        raise DamagedLine("not as it was written")
    return event


class Damage:
    """The lines of a file that are skipped."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[tuple[int, str]] = []
        self._passed_over: dict[str, None] = {}

    def add(self, number: int, what: str) -> None:
        """Add a line. The numbers must ascend."""
        self._lines.append((number, what))

    def pass_over(self, what: str) -> None:
        """Add a kind of line that this version does not know. It is reported once."""
        self._passed_over.setdefault(what)

    def messages(self) -> Iterator[str]:
        """A message for each range of lines with the same problem. Of many ranges, the first few."""
        grouped = groupby(enumerate(self._lines), lambda item: (item[1][1], item[1][0] - item[0]))
        ranges = [(what, [number for _, (number, _) in group]) for (what, _), group in grouped]
        for what, numbers in ranges[:_RANGES]:
            if len(numbers) == 1:
                yield f"{self._file}: line {numbers[0]} is {what} and is left out"
            else:
                yield f"{self._file}: lines {numbers[0]} to {numbers[-1]} are {what} and are left out"
        if more := sum(len(numbers) for _, numbers in ranges[_RANGES:]):
            yield f"{self._file}: {more:,} further lines are damaged and are left out"
        yield from (f"{self._file}: {what}" for what in self._passed_over)
