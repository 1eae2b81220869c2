"""Renders a chart as terminal lines: a pure function of a `ChartSpec`, with curves drawn by plotext."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from ...core.reports.lane_marks import symbol_place
from ...core.safe_text import printable
from ..text.wrapping import wrapped
from .area import Area
from .axes import draw_cursor, draw_steps, draw_values, lay_out
from .canvas import SPACE, Canvas
from .chart_spec import ChartSpec
from .interventions import draw_mark_heads, draw_mark_lines
from .legend import header
from .levels import draw_level_labels, draw_level_lines
from .line_ends import Drawn, draw_symbols
from .off_scale import draw_off_scale
from .plotting import BRAILLE, Cells, Line, Plot
from .strips import draw_strips
from .traces import Trace, scale, trace

MIN_SIZE = (20, 5)
# The weight of the lane's colour in raw values, and in those that fill whole columns.
FAINT, FAINTEST = 0.42, 0.26
# The most lanes whose raw values are drawn behind their averages.
MOST_RAW = 2


def render_chart(spec: ChartSpec, plot: Plot | None = None) -> list[Strip]:
    """The chart as exactly `height` strips of exactly `width` cells; if it is too small, the first line says so.

    `plot` is a cache: passing the one from the previous call draws only what changed, with the same result.
    """
    if spec.width < MIN_SIZE[0] or spec.height < MIN_SIZE[1]:
        return _too_small(spec)
    head = header(spec)
    canvas = Canvas(spec.width, spec.height - len(head), spec.palette.style(spec.palette.foreground))
    plot = plot or Plot()
    area, ticks = lay_out(spec, canvas, scale(spec))
    plot.area, plot.header = area, len(head)
    draw_values(spec, canvas, area, ticks)
    draw_steps(spec, canvas, area)
    draw_level_lines(spec, canvas, area)
    draw_mark_lines(spec, canvas, area)
    draw_cursor(spec, canvas, area)
    traces = [trace(lane, spec, area.width * spec.glyphs.dots[0]) for lane in spec.lanes]
    drawn = _draw_curves(spec, canvas, area, traces, plot)
    draw_symbols(spec, canvas, area, traces, drawn)
    draw_mark_heads(spec, canvas, area)
    draw_off_scale(spec, canvas, area, traces)
    draw_level_labels(spec, canvas, area)
    draw_strips(spec, canvas, area)
    _draw_empty(spec, canvas, area)
    return head + canvas.strips()


def _too_small(spec: ChartSpec) -> list[Strip]:
    text = "chart needs {}x{} cells".format(*MIN_SIZE)
    canvas = Canvas(max(spec.width, 0), max(spec.height, 0), spec.palette.style(spec.palette.muted))
    canvas.write(0, 0, text, canvas.blank)
    return canvas.strips()


def _draw_empty(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """In a chart without any value, write why in the middle."""
    if any(len(lane.curve) for lane in spec.lanes):
        return
    lines = wrapped(printable(spec.empty, ascii=spec.ascii), max(area.width - 2, 1))[: area.height]
    for number, line in enumerate(lines):
        column = area.left + max((area.width - cell_len(line)) // 2, 0)
        canvas.write((area.height - len(lines)) // 2 + number, column, line, spec.palette.style(spec.palette.muted))


def _draw_curves(spec: ChartSpec, canvas: Canvas, area: Area, traces: list[Trace], plot: Plot) -> list[Drawn]:
    """Draw raw values or bands faintly under smoothed values; without smoothing, raw values in full colour.

    Returns the cells that each lane's line on top touches.
    """
    behind = [number for number, one in enumerate(traces) if one.smooth is not None and _shows_raw(spec, one)]
    layers = [(behind, True), (list(range(len(traces))), False)]
    lines = [_line(traces[number], area, spec, number, faint=faint) for numbers, faint in layers for number in numbers]
    cells = iter(plot.draw(lines, (area.width, area.height)))
    drawn: list[Drawn] = []
    for numbers, faint in layers:
        inks = [canvas.ink(_ink(spec, traces[number], faint=faint)) for number in numbers]
        drawn = _draw_layer(canvas, area, inks, [next(cells) for _ in numbers])
    return drawn


def _shows_raw(spec: ChartSpec, one: Trace) -> bool:
    """Whether a lane's raw values or band are drawn. Those of many lanes would hide the lines."""
    return one.lane.band is not None or len(spec.lanes) <= MOST_RAW


def _line(one: Trace, area: Area, spec: ChartSpec, number: int, *, faint: bool) -> Line:
    columns, values, joined = one.drawn(area.scale, smooth=not faint)
    markers = spec.glyphs.faint if faint else spec.glyphs.curves
    x = (columns + 0.5) / spec.glyphs.dots[0]
    shown = number if one.lane.number is None else one.lane.number
    return Line(x, area.scale.place(values), joined, markers[symbol_place(shown) % len(markers)])


def _draw_layer(canvas: Canvas, area: Area, inks: list[int], lanes: list[Cells]) -> list[Drawn]:
    """Draw one line per lane over what is in its cells, so that a thin line stays visible; returns these cells.

    In a cell of several lines, braille dots are combined; the lines take turns in colour, column by column.
    """
    if not lanes:
        return []
    stacked = np.stack(lanes)
    drawn = (stacked != SPACE) & (stacked != BRAILLE)
    count, rank = drawn.sum(axis=0), drawn.cumsum(axis=0) - 1
    turn = drawn & (rank == np.arange(area.width) % np.maximum(count, 1))
    braille = np.bitwise_or.reduce(np.where(drawn & (stacked >= BRAILLE), stacked, 0), axis=0)
    codes = np.where(braille > 0, braille, np.where(turn, stacked, 0).max(axis=0))
    seen = count > 0
    canvas.codes[: area.height, area.left : area.left + area.width][seen] = codes[seen]
    canvas.inks[: area.height, area.left : area.left + area.width][seen] = np.array(inks)[turn.argmax(axis=0)][seen]
    return list(drawn)


def _ink(spec: ChartSpec, one: Trace, *, faint: bool) -> Style:
    if not faint:
        return spec.palette.style(one.lane.color)
    return spec.palette.faint(one.lane.color, FAINTEST if one.lane.band is None and one.is_dense else FAINT)
