"""A widget that shows rendered lines and repaints only the cells that change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from ..terminal.painted import StripWidget


class Lines(StripWidget):
    """Shows strips as wide as the widget. `show` repaints only what changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Strip] = ()

    def show(self, lines: Sequence[Strip]) -> None:
        """Show these lines, starting at the top."""
        before = self._lines
        if len(before) != len(lines):
            self._lines = lines
            self.refresh()
            return
        spans = [_changed_cells(old, new) for old, new in zip(before, lines, strict=True)]
        # Keep the old strip if it is unchanged: Textual caches its rendering.
        self._lines = [new if span else old for old, new, span in zip(before, lines, spans, strict=True)]
        if any(spans):
            self.refresh(*(Region(span[0], y, span[1] - span[0], 1) for y, span in enumerate(spans) if span))

    def paint(self, first: int, last: int) -> list[Strip]:
        """Lines `first` to `last` (exclusive), padded with blank lines."""
        lines, width = list(self._lines[first:last]), self.size.width
        missing = last - first - len(lines)
        if missing or any(line.cell_length != width for line in lines):
            lines = [line.adjust_cell_length(width, self.rich_style) for line in lines]
            lines += [Strip.blank(width, self.rich_style)] * missing
        return lines


def _changed_cells(old: Strip, new: Strip) -> tuple[int, int] | None:
    """The changed cells (start, end), rounded outwards to whole segments; None if nothing changed."""
    if old is new or old == new:
        return None
    if old.cell_length != new.cell_length:
        return 0, max(old.cell_length, new.cell_length)
    before, after = list(old), list(new)
    start = _common_cells(before, after)
    end = new.cell_length - _common_cells(reversed(before), reversed(after))
    return min(start, end), max(start, end)


def _common_cells(before: Iterable[Segment], after: Iterable[Segment]) -> int:
    """The number of cells that two rows of segments have in common at the start."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    return sum(segment.cell_length for segment, _ in same)
