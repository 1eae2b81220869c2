"""Lines drawn by plotext on a grid of cells, as code points.

The chart draws axes, ticks and legend itself, because it must fit them to its size. `figure.draw` and `figure.build`
would take 4 to 13 ms longer per chart: they look up a colour in Python for each point. Instead, the points of a signal
are inserted into a matrix directly, through three private methods. `load` imports plotext: the import takes a quarter
of the time to the screen's first frame, which has no lines.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .area import Area

Cells = NDArray[np.uint32]
BRAILLE = 0x2800
# Dots per cell height with the finest marker (braille).
_DOTS = 4
# Moves points off the middle of a dot, where rounding would decide which of two dots is drawn.
_OFF_MIDDLE = 1e-4
_NOTHING = (sys.maxsize, 0)


def load() -> None:
    """Import plotext, or wait for the thread that is importing it."""
    import plotext  # noqa: F401


@dataclass(frozen=True, eq=False)
class Line:
    """Points at `x` (ascending, in cells from the left edge) and `y` (0 bottom to 1 top), `joined` to the previous one.

    Points in the middle of a dot are drawn the same whichever column the drawing starts at.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    joined: NDArray[np.bool_]
    marker: str

    def part(self, first: int, last: int) -> Line:
        """The points in columns `first` to `last` (exclusive), and one more on either side if there is one."""
        start, end = np.searchsorted(self.x, (first, last))
        selected = slice(max(int(start) - 1, 0), int(end) + 1)
        return Line(self.x[selected], self.y[selected], self.joined[selected], self.marker)


class Plot:
    """The cells of several lines. A new drawing draws only the columns in which a line changed.

    `area` says where the last chart has its curves, below `header` lines; None: nowhere. The mouse needs it.
    """

    def __init__(self) -> None:
        self.area: Area | None = None
        self.header = 0
        self._form: object = None
        self._lines: Sequence[Line] = ()
        self._cells: list[Cells] = []

    def draw(self, lines: Sequence[Line], size: tuple[int, int]) -> list[Cells]:
        """Each line on its own grid of (height, width) code points; the next call overwrites the arrays."""
        width, height = size
        form = (size, [line.marker for line in lines])
        if form == self._form:
            first, last = _changed(self._lines, lines)
        else:
            self._form, (first, last) = form, (0, width)
            self._cells = [np.empty((height, width), np.uint32) for _ in lines]
        self._lines = lines
        if lines and first < last:
            for cells, drawn in zip(self._cells, _draw_columns(lines, height, first, last), strict=True):
                cells[:, first:last] = drawn
        return self._cells


def _changed(before: Sequence[Line], lines: Sequence[Line]) -> tuple[int, int]:
    """The changed columns [first, last); empty if first >= last."""
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
    # The last unchanged point may be joined to a changed one.
    rest = np.concatenate([line.x[max(same - 1, 0) :] for line in (old, new)])
    return int(rest.min()), int(rest.max()) + 1


def _draw_columns(lines: Sequence[Line], height: int, first: int, last: int) -> list[Cells]:
    """Columns `first` to `last` (exclusive) of every line, drawn below one another on one canvas."""
    import plotext

    parts = [line.part(first, last) for line in lines]
    left = int(min([first, *(part.x[0] for part in parts if len(part.x))]))
    right = int(max([last, *(part.x[-1] + 1 for part in parts if len(part.x))]))
    canvas = plotext.matrix(right - left, height * len(lines))
    for level, part in enumerate(parts):
        canvas._insert_points(_dots(part, left, height, level))
    codes = np.frombuffer(canvas.string(colorless=True).encode("utf-32-le"), np.uint32)
    # Each line of text ends with a newline.
    return list(codes.reshape(len(lines), height, right - left + 1)[:, :, first - left : last - left])


def _dots(line: Line, left: int, height: int, level: int) -> Any:
    """A line's points and the dots between joined ones, in cells from the canvas' upper left corner."""
    import plotext

    edge = 0.5 / (height * _DOTS)
    x = line.x - left + _OFF_MIDDLE
    # A point on the edge would be drawn in the row of the line above or below.
    y = height * (level + 1 - np.clip(line.y, edge, 1 - edge))
    signal = plotext.figure.signal(x.tolist(), y.tolist(), marker=line.marker).lines()
    for index in np.flatnonzero(~line.joined).tolist():
        signal.line(index, False)
    return signal._plot()._get_points()
