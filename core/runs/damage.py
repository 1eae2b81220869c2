"""Damaged lines of a recording or a sweep, reported by their numbers, consecutive ones together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TypeVar

from ..errors import BadInput, ClipwatchError
from ..stream.codec import OtherSchema, UnknownEvent, is_sealed

_Event = TypeVar("_Event")
# Runs of lines that are told one by one.
_TOLD = 10


class DamagedLine(ClipwatchError):
    """A line that is left out; the message says what it is."""


def decode_sealed(line: bytes, decode: Callable[[bytes], _Event]) -> _Event:
    """The event of a line from the disk; DamagedLine if it is left out, OtherSchema or UnknownEvent if another
    version wrote it.

    A line end of another system, which an editor or a copy may have put there, is no damage.
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
    """The lines of a file that are left out."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[tuple[int, str]] = []
        self._passed_over: dict[str, None] = {}

    def add(self, number: int, what: str) -> None:
        """One more, in order."""
        self._lines.append((number, what))

    def pass_over(self, what: str) -> None:
        """Lines of a kind that this version does not know, told once."""
        self._passed_over.setdefault(what)

    def told(self) -> Iterator[str]:
        """A line of text for each run of lines that have the same wrong with them; of many runs the first few."""
        runs = groupby(enumerate(self._lines), lambda item: (item[1][1], item[1][0] - item[0]))
        told = [(what, [number for _, (number, _) in group]) for (what, _), group in runs]
        for what, numbers in told[:_TOLD]:
            if len(numbers) == 1:
                yield f"{self._file}: line {numbers[0]} is {what} and is left out"
            else:
                yield f"{self._file}: lines {numbers[0]} to {numbers[-1]} are {what} and are left out"
        if more := sum(len(numbers) for _, numbers in told[_TOLD:]):
            yield f"{self._file}: {more:,} further lines are damaged and are left out"
        yield from (f"{self._file}: {what}" for what in self._passed_over)
