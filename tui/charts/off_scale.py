"""Values that no line can show: arrows at spikes beyond the scale, crosses and counts for NaN and infinity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .area import Area
from .canvas import Canvas
from .chart_spec import ChartSpec
from .ticks import general, number
from .traces import Trace


def draw_off_scale(spec: ChartSpec, canvas: Canvas, area: Area, traces: list[Trace]) -> None:
    """Draw the arrows at the upper and lower edge, and the crosses at the bottom."""
    for lane, one in enumerate(traces):
        for column, value, side in _spikes(spec, area, one):
            _draw_arrow(spec, canvas, area, lane, (column, value, side))
    for lane, one in enumerate(traces):
        _draw_broken(spec, canvas, area, one, lane)
    _draw_hidden(spec, canvas, area)


def _spikes(spec: ChartSpec, area: Area, one: Trace) -> Iterator[tuple[int, float, int]]:
    """(column, value, 1 above or -1 below) of the farthest value of each run of columns beyond the scale."""
    for values, side in ((one.columns.high, 1), (one.columns.low, -1)):
        values = values.astype(np.float64)
        # A logarithmic scale notes values ≤ 0 instead.
        out = (area.scale.outside(values) == side) & ~(area.scale.log & (values <= 0))
        at = np.flatnonzero(out)
        for run in np.split(at, np.flatnonzero(np.diff(at) > spec.glyphs.dots[0]) + 1):
            if len(run):
                farthest = int(run[np.argmax(side * values[run])])
                yield farthest // spec.glyphs.dots[0], float(values[farthest]), side


def _draw_arrow(spec: ChartSpec, canvas: Canvas, area: Area, lane: int, spike: tuple[int, float, int]) -> None:
    """Draw an arrow at the edge in a spike's column, and the value beside it where there is room."""
    column, value, side = spike
    column, style = area.left + column, spec.palette.style(spec.lanes[lane].color, bold=True)
    rows = range(min(4, area.height))
    heads = {ord(glyph) for glyph in (spec.glyphs.mark_head, spec.glyphs.above, spec.glyphs.below)}
    edge = [area.height - 1 - row if side < 0 else row for row in rows]
    row = next((row for row in edge if int(canvas.codes[row, column]) not in heads), edge[-1])
    canvas.write(row, column, spec.glyphs.above if side > 0 else spec.glyphs.below, style)
    plain = spec.decimals is None and not spec.percent
    text = general(value) if plain else number(value, spec.decimals, percent=spec.percent)
    background = spec.glyphs.grid + spec.glyphs.level
    for start in (column + 1, column - len(text)):
        if start >= area.left and canvas.is_free(row, start, start + len(text), background):
            return canvas.write(row, start, text, style)


def _draw_broken(spec: ChartSpec, canvas: Canvas, area: Area, one: Trace, lane: int) -> None:
    """Draw a cross at the bottom of each column with a non-finite value or the lane's failure; each lane has a row."""
    columns = set((np.flatnonzero(one.columns.broken) // spec.glyphs.dots[0]).tolist())
    counts = zip(one.lane.curve.broken(*area.window), ("NaN", "inf"), strict=True)
    words = [f"{count:,} {kind}" for count, kind in counts if count]
    if one.lane.failed is not None and area.shows(one.lane.failed):
        columns.add(area.column(one.lane.failed))
        words.insert(0, "failed")
    row = max(area.height - 1 - lane, 0)
    style = spec.palette.style(spec.palette.warning, bold=True)
    for column in columns:
        canvas.write(row, area.left + column, spec.glyphs.broken, style)
    if columns:
        text = f" {spec.symbol(lane)} {', '.join(words)} "
        fits = max(columns) + 1 + len(text) <= area.width
        start = max(columns) + 1 if fits else max(min(columns) - len(text), 0)
        canvas.write(row, area.left + start, text, style)


def _draw_hidden(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Note, above the crosses, that the logarithmic scale hides values of 0 and below."""
    if area.scale.hidden:
        row = max(area.height - 1 - len(spec.lanes), 0)
        style = spec.palette.style(spec.palette.warning, bold=True)
        forms = (f"values {spec.glyphs.at_most} 0 hidden", f"{spec.glyphs.at_most}0 hidden")
        canvas.write(row, area.left, next((form for form in forms if len(form) <= area.width), forms[-1]), style)
