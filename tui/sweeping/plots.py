"""Dots on a line of cells: where the seeds of a setting lie, and what pairs of them differ by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..look import Look


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


def dots(values: Sequence[float], axis: Axis, look: Look, style: Style) -> Strip:
    """A mark in each cell that holds a value, heavier where it holds more; their median's cell is reversed."""
    counts = Counter(axis.cell(value) for value in values)
    median = axis.cell(sorted(values)[len(values) // 2]) if values else -1
    marks = ".oO@" if look.ascii else "·•●◉"
    segments = []
    for cell in range(axis.width):
        count = counts[cell]
        mark = marks[min(len(marks) - 1, int(math.log2(count)))] if count else " "
        at_median = Style(reverse=True) if cell == median else Style()
        segments.append(Segment(mark, style + at_median))
    return Strip(segments)


def whisker(low: float, middle: float, high: float, axis: Axis, look: Look, style: Style) -> Strip:
    """An interval with its middle, over the axis's zero; one that reaches beyond the axis is cut."""
    bar, point, zero = ("-", "+", ":") if look.ascii else ("━", "╋", "┊")
    cells = [" "] * axis.width
    if axis.low < 0 < axis.high:
        cells[axis.cell(0)] = zero
    if math.isfinite(low) and math.isfinite(high):
        for cell in range(axis.cell(low), axis.cell(high) + 1):
            cells[cell] = bar
    cells[axis.cell(middle)] = point
    return Strip([Segment("".join(cells), style)])


def ruler(axis: Axis, look: Look, style: Style, digits: int) -> Strip:
    """The numbers at the axis's ends and middle."""
    ends = [f"{value:.{digits}f}" for value in (axis.low, (axis.low + axis.high) / 2, axis.high)]
    room = axis.width - sum(map(len, ends))
    if room < 2:
        return Strip.blank(axis.width, style)
    text = ends[0] + " " * (room // 2) + ends[1] + " " * (room - room // 2) + ends[2]
    return Strip([Segment(text, style)])
