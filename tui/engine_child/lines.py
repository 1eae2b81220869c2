"""Decodes the lines of an engine; reports those that are no events, and goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from ...core.errors import BadInput
from ...core.stream.codec import OtherSchema, UnknownEvent, kind_of

T = TypeVar("T")
# What follows these is nothing without them.
_BEGINNINGS = ("RunStarted", "SweepStarted")
# Kinds of events that are complained of: an engine that makes up ever new ones fills no memory.
_MOST_COMPLAINTS = 100


class EngineLines(Generic[T]):
    """Decodes lines, and complains of each kind of event that it does not know once."""

    def __init__(self, decode: Callable[[bytes], T], complain: Callable[[str], None]) -> None:
        self._decode, self._complain = decode, complain
        self._complained: set[str] = set()
        # Why what this engine trains cannot be shown, once that is known.
        self.unreadable: str | None = None

    def decoded(self, lines: Iterable[bytes]) -> Iterator[T]:
        """The events among these lines."""
        for line in lines:
            try:
                yield self._decode(line)
            except UnknownEvent as error:
                self._complain_once(str(error))
            except BadInput as error:
                if isinstance(error, OtherSchema) or kind_of(line) in _BEGINNINGS:
                    self.unreadable = f"the engine runs another version of clipwatch: {error}"
                    self._complain_once(self.unreadable)
                else:
                    self._complain(f"the engine wrote a line that is not an event: {error}")

    def _complain_once(self, text: str) -> None:
        if text not in self._complained and len(self._complained) < _MOST_COMPLAINTS:
            self._complained.add(text)
            self._complain(text)
