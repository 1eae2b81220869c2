"""A chart's axes: value labels on the left, steps below, faint grid lines at the values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.style import Style

from .canvas import Canvas
from .chart_spec import ChartSpec
from .ticks import compact, linear_ticks, log_ticks, step_ticks
from .traces import Scale

MIN_LABEL_WIDTH = 4
# From this height on, the step axis has a line.
FLOOR_FROM = 8
GRID = 0.2


@dataclass(frozen=True)
class Area:
    """The cells for curves, and the mapping of steps and values to them."""

    left: int
    width: int
    height: int
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
        return min(int((1 - place) * self.height), self.height - 1)


def lay_out(spec: ChartSpec, canvas: Canvas, scale: Scale) -> tuple[Area, list[tuple[float, str]]]:
    """Divide the canvas into value labels on the left, steps below, the axis line if it fits, and the area."""
    height = canvas.codes.shape[0] - (2 if spec.height >= FLOOR_FROM else 1)
    ticks = _value_ticks(scale, height)
    labels = max((len(label) for _, label in ticks), default=0)
    left = max(labels, MIN_LABEL_WIDTH if spec.width >= 40 else 0) + 2
    return Area(left, canvas.codes.shape[1] - left, height, spec.window, scale), ticks


def _value_ticks(scale: Scale, height: int) -> list[tuple[float, str]]:
    """About one tick per three rows, at least two."""
    make = log_ticks if scale.log else linear_ticks
    for most in range(max(height // 3, 1) + scale.log, height + 8):
        ticks = make(scale.low, scale.high, most)
        if len(ticks) > 1:
            return ticks
    return [(scale.low, f"{scale.low:.3g}"), (scale.high, f"{scale.high:.3g}")]


def draw_axes(spec: ChartSpec, canvas: Canvas, area: Area, ticks: list[tuple[float, str]]) -> None:
    """Draw both axes with their labels, and the grid lines."""
    _draw_values(spec, canvas, area, ticks)
    _draw_steps(spec, canvas, area)


def _draw_values(spec: ChartSpec, canvas: Canvas, area: Area, ticks: list[tuple[float, str]]) -> None:
    palette, glyphs = spec.palette, spec.glyphs
    muted, grid = palette.style(palette.muted), palette.faint(palette.muted, GRID)
    canvas.fill(slice(area.height), slice(area.left - 1, area.left), glyphs.wall, muted)
    taken: set[int] = set()
    for value, label in ticks:
        row = area.row(value)
        if row in taken:
            continue
        taken.add(row)
        canvas.write(row, 0, label.rjust(area.left - 1) + glyphs.wall_tick, muted)
        if palette.coloured and glyphs.grid:
            canvas.fill(slice(row, row + 1), slice(area.left, None), glyphs.grid, grid)


def _draw_steps(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw the step axis: the cursor's step first, then as many labels as fit around it."""
    palette, glyphs = spec.palette, spec.glyphs
    muted, row = palette.style(palette.muted), canvas.codes.shape[0] - 1
    has_floor = row > area.height
    if has_floor:
        canvas.fill(slice(row - 1, row), slice(area.left - 1, None), glyphs.floor, muted)
        canvas.write(row - 1, area.left - 1, glyphs.corner, muted)
    if spec.cursor is not None and area.shows(spec.cursor):
        _write_step(canvas, area, spec.cursor, palette.style(palette.foreground, bold=True))
    for step in step_ticks(*spec.window, max(area.width // 12, 1)):
        if _write_step(canvas, area, step, muted) and has_floor:
            canvas.write(row - 1, area.left + area.column(step), glyphs.floor_tick, muted)


def _write_step(canvas: Canvas, area: Area, step: int, style: Style) -> bool:
    """Write a step under its column; False if another label is in the way."""
    row, width = canvas.codes.shape[0] - 1, canvas.codes.shape[1]
    text = compact(step)
    start = min(max(area.left + area.column(step) - (len(text) - 1) // 2, 0), width - len(text))
    if not canvas.is_free(row, max(start - 1, 0), min(start + len(text) + 1, width), ""):
        return False
    canvas.write(row, start, text, style)
    return True


def draw_cursor(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw the vertical line at the cursor's step, if it is visible."""
    if spec.cursor is not None and area.shows(spec.cursor):
        style = spec.palette.style(spec.palette.foreground, bold=True)
        draw_line(canvas, area, spec.cursor, spec.glyphs.cursor, style)


def draw_line(canvas: Canvas, area: Area, step: int, glyph: str, style: Style) -> None:
    """Draw a vertical line through the area at a visible step."""
    column = area.left + area.column(step)
    canvas.fill(slice(area.height), slice(column, column + 1), glyph, style)
