"""Annotations over and under the curves: interventions, non-finite values, lane symbols, transients, the cursor."""

from __future__ import annotations

import numpy as np

from ...core.text import printable
from .axes import Area, draw_cursor, draw_line
from .canvas import Canvas
from .chartspec import ChartSpec, Mark
from .traces import Trace

SYMBOL_EVERY = 18
LINE = 0.5
TINT = 0.11


def draw_lines(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw the vertical lines behind the curves: one per intervention in its lane's colour, and the cursor."""
    for mark in visible_marks(spec, area):
        style = spec.palette.faint(spec.lanes[mark.lane].color, LINE)
        draw_line(canvas, area, mark.step, spec.glyphs.mark, style)
    draw_cursor(spec, canvas, area)


def visible_marks(spec: ChartSpec, area: Area) -> list[Mark]:
    """The interventions within the window, of lanes in the chart."""
    return [mark for mark in spec.marks if area.shows(mark.step) and mark.lane < len(spec.lanes)]


def draw_annotations(spec: ChartSpec, canvas: Canvas, area: Area, traces: list[Trace]) -> None:
    """Draw everything that belongs in front of the curves."""
    for number, one in enumerate(traces):
        _draw_symbols(spec, canvas, area, one, number)
    _draw_marks(spec, canvas, area)
    for number, one in enumerate(traces):
        _draw_broken(spec, canvas, area, one, number)
    _draw_hidden(spec, canvas, area)
    _draw_shades(spec, canvas, area)


def _draw_symbols(spec: ChartSpec, canvas: Canvas, area: Area, one: Trace, number: int) -> None:
    """Draw the lane's symbol at intervals along its curve, staggered between lanes, and at its newest point."""
    values = one.main()
    filled = np.flatnonzero(np.isfinite(values))
    if not len(filled):
        return
    dots, every = spec.glyphs.dots[0], SYMBOL_EVERY
    style = spec.palette.style(one.lane.color, bold=True)
    start = every * (2 * number + 1) // (2 * len(spec.lanes))
    targets = np.arange(start, area.width - 3, every) * dots
    nearest = filled[np.minimum(np.searchsorted(filled, targets), len(filled) - 1)]
    for column in [*nearest[abs(nearest - targets) <= 2 * dots].tolist(), int(filled[-1])]:
        canvas.write(area.row(float(values[column])), area.left + column // dots, spec.glyphs.symbol(number), style)


def _draw_marks(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw a pointer and a label at the top of each intervention's line; several in one column are stacked."""
    stacked: dict[int, int] = {}
    for mark in visible_marks(spec, area):
        column = area.left + area.column(mark.step)
        row = stacked[column] = min(stacked.get(column, -1) + 1, area.height - 1)
        style = spec.palette.style(spec.lanes[mark.lane].color, bold=True)
        canvas.write(row, column, spec.glyphs.mark_head, style)
        _draw_label(spec, canvas, row, (area.left, column), mark)


def _draw_label(spec: ChartSpec, canvas: Canvas, row: int, place: tuple[int, int], mark: Mark) -> None:
    """Draw the lane's symbol and the label where they fit, otherwise the symbol alone."""
    left, column = place
    style = spec.palette.style(spec.lanes[mark.lane].color, bold=True)
    symbol = spec.glyphs.symbol(mark.lane)
    text = f"{symbol} {printable(mark.label, ascii=spec.ascii)} " if mark.label else symbol
    for start in (column + 1, column - len(text)):
        if start >= left and canvas.is_free(row, start, start + len(text), spec.glyphs.grid):
            return canvas.write(row, start, text, style)
    room = column + 1 < canvas.codes.shape[1]
    canvas.write(row, column + 1 if room else column - 1, symbol, style)


def _draw_shades(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Tint the transients in the lane's colour; without colour, draw dots along the top.

    Lanes with transients divide the height among them.
    """
    shaded = sorted({shade.lane for shade in spec.shades})
    for shade in spec.shades:
        first, last = max(shade.first, area.window[0]), min(shade.last, area.window[1])
        if first >= last or shade.lane >= len(spec.lanes):
            continue
        start, end = area.left + area.column(first), area.left + area.column(last) + 1
        if background := spec.palette.tint(spec.lanes[shade.lane].color, TINT):
            top, bottom = (area.height * (shaded.index(shade.lane) + n) // len(shaded) for n in (0, 1))
            canvas.tint(slice(top, bottom), slice(start, end), background)
            continue
        for column in range(start, end):
            if canvas.is_free(0, column, column + 1, spec.glyphs.grid):
                canvas.write(0, column, spec.glyphs.shade, canvas.blank)


def _draw_broken(spec: ChartSpec, canvas: Canvas, area: Area, one: Trace, number: int) -> None:
    """Draw a cross at the bottom of each column with a non-finite value or the lane's failure; each lane has a row."""
    dots = spec.glyphs.dots[0]
    columns = set((np.flatnonzero(one.columns.broken) // dots).tolist())
    text = one.lane.curve.broken_kind()
    if one.lane.failed is not None and area.shows(one.lane.failed):
        columns.add(area.column(one.lane.failed))
        text = f"failed {text}".strip()
    row = max(area.height - 1 - number, 0)
    style = spec.palette.style(spec.palette.warning, bold=True)
    for column in columns:
        canvas.write(row, area.left + column, spec.glyphs.broken, style)
    if columns:
        text = f" {spec.glyphs.symbol(number)} {text} "
        fits = max(columns) + 1 + len(text) <= area.width
        start = max(columns) + 1 if fits else max(min(columns) - len(text), 0)
        canvas.write(row, area.left + start, text, style)


def _draw_hidden(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Note, above the crosses, that the logarithmic scale hides values of 0 and below."""
    if area.scale.hidden:
        row = max(area.height - 1 - len(spec.lanes), 0)
        style = spec.palette.style(spec.palette.warning, bold=True)
        canvas.write(row, area.left, f"{spec.glyphs.at_most}0 hidden", style)
