"""Dots on a line of cells: where the seeds of a setting lie, and what pairs of them differ by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..style.theme import Theme

# A cell of 1 seed, of 2 or 3, of 4 to 7, of 8 or more.
_MARKS, _ASCII_MARKS = "·•●◉", ".oO@"


@dataclass(frozen=True)
class Axis:
    """The values from the first to the last of `width` cells."""

    low: float
    high: float
    width: int

    def cell(self, value: float) -> int:
        """Where a value lies, held within."""
        share = (value - self.low) / (self.high - self.low)
        return min(self.width - 1, max(0, math.floor(share * self.width)))

    @property
    def zero(self) -> int | None:
        """Where 0 lies, unless it is an end or beyond."""
        return self.cell(0) if self.low < 0 < self.high else None


def marks_explained(theme: Theme) -> str:
    """What the marks of `dots` mean."""
    one, two, four, eight = _ASCII_MARKS if theme.ascii else _MARKS
    return f"{one} 1  {two} 2+  {four} 4+  {eight} 8+ seeds, block: median"


def dots(values: Sequence[float], axis: Axis, theme: Theme, style: Style) -> Strip:
    """A mark in each cell that holds a value, heavier where it holds more; their median's cell is reversed."""
    counts = Counter(axis.cell(value) for value in values)
    median = axis.cell(sorted(values)[len(values) // 2]) if values else -1
    marks = _ASCII_MARKS if theme.ascii else _MARKS
    segments = _ground(axis, theme)
    for cell, count in counts.items():
        mark = marks[min(len(marks) - 1, int(math.log2(count)))]
        segments[cell] = Segment(mark, style + Style(reverse=True) if cell == median else style)
    return Strip(segments)


def whisker(low: float, middle: float, high: float, axis: Axis, theme: Theme, style: Style) -> Strip:
    """An interval with its middle, over the axis's zero; one that reaches beyond the axis is cut."""
    bar, point = ("-", "+") if theme.ascii else ("━", "╋")
    segments = _ground(axis, theme)
    if math.isfinite(low) and math.isfinite(high):
        for cell in range(axis.cell(low), axis.cell(high) + 1):
            segments[cell] = Segment(bar, style)
    segments[axis.cell(middle)] = Segment(point, style)
    return Strip(segments)


def ruler(axis: Axis, theme: Theme, style: Style, digits: int) -> Strip:
    """The numbers at the axis's ends and middle."""
    ends = [f"{value:.{digits}f}" for value in (axis.low, (axis.low + axis.high) / 2, axis.high)]
    room = axis.width - sum(map(len, ends))
    if room < 2:
        return Strip.blank(axis.width, style)
    text = ends[0] + " " * (room // 2) + ends[1] + " " * (room - room // 2) + ends[2]
    return Strip([Segment(text, style)])


def _ground(axis: Axis, theme: Theme) -> list[Segment]:
    """Blank cells, the axis's zero marked."""
    muted = theme.palette.style(theme.palette.muted)
    segments = [Segment(" ", muted)] * axis.width
    if axis.zero is not None:
        segments[axis.zero] = Segment(":" if theme.ascii else "┊", muted)
    return segments
