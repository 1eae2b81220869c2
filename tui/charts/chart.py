"""Renders a chart as terminal lines: a pure function of a `ChartSpec`, with curves drawn by plotext."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual.strip import Strip

from .annotations import draw_annotations, draw_lines
from .axes import Area, draw_axes, lay_out
from .canvas import SPACE, Canvas
from .chart_spec import ChartSpec
from .legend import fits_one_row, header
from .plotting import BRAILLE, Cells, Line, Plot
from .traces import Trace, scale, trace

MIN_SIZE = (20, 5)
# From this height on, the header may take two rows.
TALL = 12
# The weight of the lane's colour in raw values.
FAINT = 0.42


def render_chart(spec: ChartSpec, plot: Plot | None = None) -> list[Strip]:
    """The chart as exactly `height` strips of exactly `width` cells; if it is too small, the first line says so.

    `plot` is a cache: passing the one from the previous call draws only what changed, with the same result.
    """
    if spec.width < MIN_SIZE[0] or spec.height < MIN_SIZE[1]:
        return _too_small(spec)
    rows = 1 if spec.height < TALL or fits_one_row(spec) else 2
    canvas = Canvas(spec.width, spec.height - rows, spec.palette.style(spec.palette.foreground))
    plot = plot or Plot()
    area, ticks = lay_out(spec, canvas, scale(spec))
    plot.area = area
    draw_axes(spec, canvas, area, ticks)
    draw_lines(spec, canvas, area)
    traces = [trace(lane, spec, area.width * spec.glyphs.dots[0]) for lane in spec.lanes]
    _draw_curves(spec, canvas, area, traces, plot)
    draw_annotations(spec, canvas, area, traces)
    return header(spec, rows) + canvas.strips()


def _too_small(spec: ChartSpec) -> list[Strip]:
    text = "chart needs {}x{} cells".format(*MIN_SIZE)
    canvas = Canvas(max(spec.width, 0), max(spec.height, 0), spec.palette.style(spec.palette.muted))
    canvas.write(0, 0, text, canvas.blank)
    return canvas.strips()


def _draw_curves(spec: ChartSpec, canvas: Canvas, area: Area, traces: list[Trace], plot: Plot) -> None:
    """Draw raw values or bands faintly under smoothed values; without smoothing, raw values in full colour."""
    layers = (True, False) if any(one.smooth is not None for one in traces) else (False,)
    lines = [_line(one, area, spec, number, faint=faint) for faint in layers for number, one in enumerate(traces)]
    cells = iter(plot.draw(lines, (area.width, area.height)))
    for faint in layers:
        _draw_layer(spec, canvas, area, [next(cells) for _ in traces], faint=faint)


def _line(one: Trace, area: Area, spec: ChartSpec, number: int, *, faint: bool) -> Line:
    columns, values, joined = one.path(smooth=not faint)
    markers = spec.glyphs.faint if faint else spec.glyphs.curves
    x = (columns + 0.5) / spec.glyphs.dots[0]
    return Line(x, area.scale.place(values), joined, markers[number % len(markers)])


def _draw_layer(spec: ChartSpec, canvas: Canvas, area: Area, lanes: list[Cells], *, faint: bool) -> None:
    """Draw one line per lane. It replaces what is in its cells, so that a thin line stays visible."""
    palette = spec.palette
    codes = np.zeros((area.height, area.width), np.uint32)
    inks = np.zeros((area.height, area.width), np.uint8)
    for lane, cells in zip(spec.lanes, lanes, strict=True):
        style = palette.faint(lane.color, FAINT) if faint else palette.style(lane.color)
        _overlay(codes, inks, cells, canvas.ink(style))
    drawn = codes > 0
    canvas.codes[: area.height, area.left :][drawn] = codes[drawn]
    canvas.inks[: area.height, area.left :][drawn] = inks[drawn]


def _overlay(codes: Cells, inks: NDArray[np.uint8], cells: Cells, ink: int) -> None:
    """Add a lane's cells to those of other lanes: braille dots are combined, other characters replaced."""
    drawn = (cells != SPACE) & (cells != BRAILLE)
    united = drawn & (codes >= BRAILLE) & (cells >= BRAILLE)
    codes[drawn & ~united] = 0
    codes[drawn] |= cells[drawn]
    inks[drawn] = ink
