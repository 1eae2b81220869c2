"""Decodes the lines that an engine writes; reports lines that are not events and continues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from ...core.errors import BadInput
from ...core.stream.codec import OtherSchema, UnknownEvent, kind_of

T = TypeVar("T")
# Events without which the rest of the stream cannot be shown.
_REQUIRED = ("RunStarted", "SweepStarted")
# The most messages that are reported once each: bounds the memory if an engine writes ever new kinds of events.
_MAX_REPORTS = 100


class EngineLines(Generic[T]):
    """Decodes lines; calls `report` once for each unknown kind of event and for every line that is not an event."""

    def __init__(self, decode: Callable[[bytes], T], report: Callable[[str], None]) -> None:
        self._decode, self._report = decode, report
        self._reported: set[str] = set()
        # Why the stream cannot be shown: the engine runs another version of clipwatch.
        self.incompatibility: str | None = None

    def events(self, lines: Iterable[bytes]) -> Iterator[T]:
        """The events in these lines."""
        for line in lines:
            try:
                yield self._decode(line)
            except UnknownEvent as error:
                self._report_once(str(error))
            except BadInput as error:
                if isinstance(error, OtherSchema) or kind_of(line) in _REQUIRED:
                    self.incompatibility = f"the engine runs another version of clipwatch: {error}"
                    self._report_once(self.incompatibility)
                else:
                    self._report(f"the engine wrote a line that is not an event: {error}")

    def _report_once(self, text: str) -> None:
        if text not in self._reported and len(self._reported) < _MAX_REPORTS:
            self._reported.add(text)
            self._report(text)
