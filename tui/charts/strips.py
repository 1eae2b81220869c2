"""Strips under the step axis: the steps during which the optimizer still remembers gradients from before a change."""

from __future__ import annotations

from rich.style import Style

from .area import Area
from .canvas import Canvas
from .chart_spec import ChartSpec, Shade

LABELS = ("optimizer memory", "memory")
# Strips need charts of this height, and share one row in charts below the second one.
STRIPS_FROM, ROW_PER_LANE_FROM = 8, 16
# A row of the chart in so many may be a strip.
SHARE = 6


def visible_strips(spec: ChartSpec) -> dict[int, list[Shade]]:
    """The transients in the window, by the number of their lane."""
    first, last = spec.window
    strips: dict[int, list[Shade]] = {}
    for shade in spec.shades:
        if shade.lane < len(spec.lanes) and max(shade.first, first) < min(shade.last, last):
            strips.setdefault(shade.lane, []).append(shade)
    return dict(sorted(strips.items()))


def strip_rows(spec: ChartSpec) -> int:
    """How many rows the strips take: one per lane that has one, one for all lanes in a low chart, or none."""
    count = len(visible_strips(spec))
    if spec.height < STRIPS_FROM:
        return 0
    return count if spec.height >= ROW_PER_LANE_FROM and count <= spec.height // SHARE else min(count, 1)


def draw_strips(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw the strips below the step labels. In a shared row, lanes alternate where their strips overlap."""
    strips, rows = visible_strips(spec), strip_rows(spec)
    shared = rows < len(strips)
    for number, (lane, shades) in enumerate(strips.items() if rows else ()):
        row = area.steps_row + 1 + (0 if shared else number)
        style = spec.palette.style(spec.lanes[lane].color)
        spans = [_span(area, shade) for shade in shades]
        for column in (column for start, end in spans for column in range(start, end)):
            if canvas.is_free(row, column, column + 1, "") or column % len(strips) == number:
                canvas.write(row, column, spec.glyphs.strip, style)
        if not shared:
            canvas.write(row, area.left - 2, spec.symbol(lane), style)
            _draw_label(canvas, row, max(spans, key=lambda span: span[1] - span[0]), style)
    if rows and shared:
        muted = spec.palette.style(spec.palette.muted)
        _draw_label(canvas, area.steps_row + 1, _span(area, next(iter(strips.values()))[0]), muted)


def _span(area: Area, shade: Shade) -> tuple[int, int]:
    """The columns [start, end) of a transient."""
    first, last = max(shade.first, area.window[0]), min(shade.last, area.window[1])
    return area.left + area.column(first), area.left + area.column(last) + 1


def _draw_label(canvas: Canvas, row: int, span: tuple[int, int], style: Style) -> None:
    """Draw the longest label that fits in a strip, or else beside it."""
    start, end = span
    for label in LABELS:
        if len(label) + 4 <= end - start:
            return canvas.write(row, start + 1, f" {label} ", style)
    for label in LABELS:
        for column in (end + 1, start - 1 - len(label)):
            if canvas.is_free(row, column - 1, column + len(label), ""):
                return canvas.write(row, column, label, style)
