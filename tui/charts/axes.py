"""A chart's axes: value labels on the left, steps below, faint grid lines at the values."""

from __future__ import annotations

from rich.style import Style

from .area import Area, draw_line
from .canvas import Canvas
from .chart_spec import ChartSpec
from .heat_map_spec import HeatMapSpec
from .strips import strip_rows
from .ticks import NUMBER_WIDTH, compact, general, is_narrow, linear_ticks, log_ticks, number_width, step_ticks
from .traces import Scale

MIN_LABEL_WIDTH = 4
# From this height on, the step axis has a line.
FLOOR_FROM = 8
# From this width on, the values at the ends of the lines have a margin on the right.
MARGIN_FROM = 56
GRID = 0.2


def lay_out(spec: ChartSpec, canvas: Canvas, scale: Scale) -> tuple[Area, list[tuple[float, str]]]:
    """Divide the canvas: values on the left, a margin on the right, then axis line, steps and strips at the bottom."""
    steps_row = canvas.codes.shape[0] - 1 - strip_rows(spec)
    height = steps_row - (spec.height >= FLOOR_FROM)
    ticks = _value_ticks(scale, height, percent=spec.percent)
    labels = max((len(label) for _, label in ticks), default=0)
    left = max(labels, MIN_LABEL_WIDTH if spec.width >= 30 else 0) + 2
    width = canvas.codes.shape[1] - left - _margin(spec)
    return Area(left, width, height, steps_row, spec.window, scale), ticks


def _margin(spec: ChartSpec) -> int:
    """Room for the symbols of lanes that end in one cell, beside each other, and for a value if the chart is wide."""
    symbols = max(len(spec.lanes) - 1, 0)
    if spec.width < MARGIN_FROM:
        return min(symbols, spec.width // 10)
    return min(symbols, 3) + 1 + max(number_width(spec.decimals, percent=spec.percent), NUMBER_WIDTH)


def _value_ticks(scale: Scale, height: int, *, percent: bool) -> list[tuple[float, str]]:
    """About one tick per three rows, somewhat more in low charts and fewer in high ones, at least two."""
    start = max(min(height // 3 + (1 if scale.log else 2), 7), height // 4)
    for most in range(start, height + 8):
        if scale.log and not is_narrow(scale.low, scale.high):
            ticks = log_ticks(scale.low, scale.high, most)
        else:
            ticks = linear_ticks(scale.low, scale.high, most, percent=percent)
        if len(ticks) > 1:
            return ticks
    return [(value, general(value, 3)) for value in (scale.low, scale.high)]


def draw_values(spec: ChartSpec | HeatMapSpec, canvas: Canvas, area: Area, ticks: list[tuple[float, str]]) -> None:
    """Draw the value axis with its labels, and a grid line at each."""
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
            canvas.fill(slice(row, row + 1), slice(area.left, area.left + area.width), glyphs.grid, grid)


def draw_steps(spec: ChartSpec | HeatMapSpec, canvas: Canvas, area: Area) -> None:
    """Draw the step axis: the cursor's step first, then the end if it is a step, then as many labels as fit."""
    palette, glyphs = spec.palette, spec.glyphs
    muted, floor = palette.style(palette.muted), area.height
    has_floor = area.steps_row > floor
    if has_floor:
        canvas.fill(slice(floor, floor + 1), slice(area.left - 1, area.left + area.width), glyphs.floor, muted)
        canvas.write(floor, area.left - 1, glyphs.corner, muted)
    unit, per_unit = ("step", 1) if isinstance(spec, HeatMapSpec) else (spec.unit, spec.steps_per_unit)
    if area.left > len(unit):
        canvas.write(area.steps_row, 0, unit, muted)
    if spec.cursor is not None and area.shows(spec.cursor):
        _write_step(canvas, area, spec.cursor, per_unit, palette.style(palette.foreground, bold=True))
    end = (spec.window[1],) if spec.ends_at_step else ()
    for step in (*end, *step_ticks(*spec.window, max(area.width // 12, 1))):
        if _write_step(canvas, area, step, per_unit, muted) and has_floor:
            canvas.write(floor, area.left + area.column(step), glyphs.floor_tick, muted)


def _write_step(canvas: Canvas, area: Area, step: int, per_unit: int, style: Style) -> bool:
    """Write a step under its column; False if another label is in the way."""
    row, width = area.steps_row, canvas.codes.shape[1]
    text = compact(step) if per_unit == 1 else general(step / per_unit, 3)
    start = min(max(area.left + area.column(step) - (len(text) - 1) // 2, 0), width - len(text))
    if not canvas.is_free(row, max(start - 1, 0), min(start + len(text) + 1, width), ""):
        return False
    canvas.write(row, start, text, style)
    return True


def draw_cursor(spec: ChartSpec | HeatMapSpec, canvas: Canvas, area: Area) -> None:
    """Draw the vertical line at the cursor's step, if it is visible."""
    if spec.cursor is not None and area.shows(spec.cursor):
        style = spec.palette.style(spec.palette.foreground, bold=True)
        draw_line(canvas, area, spec.cursor, spec.glyphs.cursor, style)
