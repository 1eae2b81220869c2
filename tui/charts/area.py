"""The part of a chart in which curves are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.style import Style

from .canvas import Canvas
from .traces import Scale

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Area:
    """The cells for curves, and the mapping of steps and values to them. The steps' labels are in `steps_row`."""

    left: int
    width: int
    height: int
    steps_row: int
    window: tuple[int, int]
    scale: Scale

    def column(self, step: int) -> int:
        """The column of a visible step."""
        first, last = self.window
        return min((step - first) * self.width // (last - first), self.width - 1)

    def step(self, column: int) -> int:
        """The step in the middle of a column of the chart; columns beside the area have its first or last step."""
        first, last = self.window
        place = min(max(column - self.left, 0), self.width - 1)
        leftmost = -(-place * (last - first) // self.width)
        return first + max(leftmost, (2 * place + 1) * (last - first) // (2 * self.width))

    def shows(self, step: int) -> bool:
        """Whether a step is in the window."""
        return self.window[0] <= step <= self.window[1]

    def row(self, value: float) -> int:
        """The row of a value, clamped to the area."""
        place = float(self.scale.place(np.array([value]))[0])
        # A value on the border of two rows belongs to the lower one, also where its place is rounded up.
        return min(int((1 - place) * self.height + _ROUNDING), self.height - 1)


def draw_line(canvas: Canvas, area: Area, step: int, glyph: str, style: Style) -> None:
    """Draw a vertical line through the area at a visible step."""
    column = area.left + area.column(step)
    canvas.fill(slice(area.height), slice(column, column + 1), glyph, style)
