"""Lines drawn by plotext on a bare grid of cells, given back as code points.

The chart draws axes, ticks and legend itself, because it must fit them to the cells it has. `figure.draw` and
`figure.build` would take 4 to 13 ms more for a whole chart: for each point they look up a colour in Python. So the
points of a signal go straight to a matrix, by three private methods. plotext is imported by `load`: that takes a
quarter of the time to the screen's first frame, which has no lines.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.uint32]
BRAILLE = 0x2800
# Dots in the height of a cell at the finest marker.
_DOTS = 4
# Moves points off the middle of a dot: halfway to the next one, rounding would decide which of the two is drawn.
_OFF_MIDDLE = 1e-4
_NOTHING = (sys.maxsize, 0)


def load() -> None:
    """Import plotext, or wait until another thread has."""
    import plotext  # noqa: F401


@dataclass(frozen=True, eq=False)
class Line:
    """Points at `x` (ascending, in cells from the left edge) and `y` (0 to 1, up), joined to their predecessor or not.

    A point in the middle of its dot is drawn the same wherever the drawing begins.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    joined: NDArray[np.bool_]
    marker: str

    def part(self, first: int, last: int) -> Line:
        """What is needed to draw columns first to last (exclusive): a point more on either side, if there is one."""
        start, end = np.searchsorted(self.x, (first, last))
        kept = slice(max(int(start) - 1, 0), int(end) + 1)
        return Line(self.x[kept], self.y[kept], self.joined[kept], self.marker)


class Plot:
    """A grid of cells for each of some lines; draws again only the columns in which a line is not as it was."""

    def __init__(self) -> None:
        self._form: object = None
        self._lines: Sequence[Line] = ()
        self._cells: list[Cells] = []

    def draw(self, lines: Sequence[Line], size: tuple[int, int]) -> list[Cells]:
        """Each line alone on width by height cells → (height, width) code points, which the next drawing changes."""
        width, height = size
        form = (size, [line.marker for line in lines])
        if form == self._form:
            first, last = _changed(self._lines, lines)
        else:
            self._form, (first, last) = form, (0, width)
            self._cells = [np.empty((height, width), np.uint32) for _ in lines]
        self._lines = lines
        if lines and first < last:
            for cells, drawn in zip(self._cells, _drawn(lines, height, first, last), strict=True):
                cells[:, first:last] = drawn
        return self._cells


def _changed(before: Sequence[Line], lines: Sequence[Line]) -> tuple[int, int]:
    """The first column that is not as it was and the one after the last; none if the former is not below the latter."""
    spans = [_changed_span(old, new) for old, new in zip(before, lines, strict=True)]
    return min((first for first, _ in spans), default=0), max((last for _, last in spans), default=0)


def _changed_span(old: Line, new: Line) -> tuple[int, int]:
    common = min(len(old.x), len(new.x))
    differs = (
        (old.x[:common] != new.x[:common])
        | (old.y[:common] != new.y[:common])
        | (old.joined[:common] != new.joined[:common])
    )
    same = int(differs.argmax()) if differs.any() else common
    if same == max(len(old.x), len(new.x)):
        return _NOTHING
    # The last point that stayed may be joined to one that did not.
    rest = np.concatenate([line.x[max(same - 1, 0) :] for line in (old, new)])
    return int(rest.min()), int(rest.max()) + 1


def _drawn(lines: Sequence[Line], height: int, first: int, last: int) -> list[Cells]:
    """Columns first to last (exclusive) of every line, all on one canvas, one below the other."""
    import plotext

    parts = [line.part(first, last) for line in lines]
    left = int(min([first, *(part.x[0] for part in parts if len(part.x))]))
    right = int(max([last, *(part.x[-1] + 1 for part in parts if len(part.x))]))
    canvas = plotext.matrix(right - left, height * len(lines))
    for level, part in enumerate(parts):
        canvas._insert_points(_dots(part, left, height, level))
    codes = np.frombuffer(canvas.string(colorless=True).encode("utf-32-le"), np.uint32)
    # A line of text ends with a line end.
    return list(codes.reshape(len(lines), height, right - left + 1)[:, :, first - left : last - left])


def _dots(line: Line, left: int, height: int, level: int) -> Any:
    """A line's points and all between those that are joined, in cells from the upper left of the canvas."""
    import plotext

    edge = 0.5 / (height * _DOTS)
    x = line.x - left + _OFF_MIDDLE
    # What touches an edge would else be drawn in the line above or below.
    y = height * (level + 1 - np.clip(line.y, edge, 1 - edge))
    signal = plotext.figure.signal(x.tolist(), y.tolist(), marker=line.marker).lines()
    for index in np.flatnonzero(~line.joined).tolist():
        signal.line(index, False)
    return signal._plot()._get_points()
