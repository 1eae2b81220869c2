"""Plots of one line of cells: dots for the values of seeds, whiskers for intervals, and a ruler."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..style.theme import Theme

# Marks for cells with 1 seed, 2 or 3, 4 to 7, and 8 or more.
_MARKS, _ASCII_MARKS = "·•●◉", ".oO@"


@dataclass(frozen=True)
class Axis:
    """A linear scale from `low` in the first to `high` in the last of `width` cells."""

    low: float
    high: float
    width: int

    def cell(self, value: float) -> int:
        """The cell of a value; values beyond the ends get the first or last cell."""
        # Halved, because the difference of two finite numbers can be infinite.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return min(self.width - 1, max(0, math.floor(share * self.width)))

    @property
    def zero(self) -> int | None:
        """The cell of 0, None if 0 is not inside the axis."""
        return self.cell(0) if self.low < 0 < self.high else None


def marks_legend(theme: Theme) -> str:
    """The legend of the marks of `dots`."""
    one, two, four, eight = _ASCII_MARKS if theme.ascii else _MARKS
    return f"{one} 1  {two} 2+  {four} 4+  {eight} 8+ seeds, block: median"


def dots(values: Sequence[float], axis: Axis, theme: Theme, style: Style) -> Strip:
    """A mark in each cell with values, heavier for more of them; the cell of the median is in reverse video."""
    counts = Counter(axis.cell(value) for value in values)
    median = axis.cell(sorted(values)[len(values) // 2]) if values else -1
    marks = _ASCII_MARKS if theme.ascii else _MARKS
    segments = _empty_cells(axis, theme)
    for cell, count in counts.items():
        mark = marks[min(len(marks) - 1, int(math.log2(count)))]
        segments[cell] = Segment(mark, style + Style(reverse=True) if cell == median else style)
    return Strip(segments)


def whisker(low: float, middle: float, high: float, axis: Axis, theme: Theme, style: Style) -> Strip:
    """An interval with its middle, cut off at the ends of the axis."""
    bar, point = ("-", "+") if theme.ascii else ("━", "╋")
    segments = _empty_cells(axis, theme)
    if math.isfinite(low) and math.isfinite(high):
        for cell in range(axis.cell(low), axis.cell(high) + 1):
            segments[cell] = Segment(bar, style)
    segments[axis.cell(middle)] = Segment(point, style)
    return Strip(segments)


def ruler(axis: Axis, style: Style, digits: int) -> Strip:
    """The numbers at the ends and the middle of the axis."""
    labels = [f"{value:.{digits}f}" for value in (axis.low, (axis.low + axis.high) / 2, axis.high)]
    space = axis.width - sum(map(len, labels))
    if space < 2:
        return Strip.blank(axis.width, style)
    text = labels[0] + " " * (space // 2) + labels[1] + " " * (space - space // 2) + labels[2]
    return Strip([Segment(text, style)])


def _empty_cells(axis: Axis, theme: Theme) -> list[Segment]:
    """Blank cells with a mark at 0."""
    muted = theme.palette.style(theme.palette.muted)
    segments = [Segment(" ", muted)] * axis.width
    if axis.zero is not None:
        segments[axis.zero] = Segment(":" if theme.ascii else "┊", muted)
    return segments
