"""One chart as lines of a terminal: a function of a `ChartSpec` alone, its curves drawn by plotext."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual.strip import Strip

from .annotations import draw_annotations, draw_lines
from .axes import Area, draw_axes, lay_out
from .canvas import SPACE, Canvas
from .chartspec import ChartLane, ChartSpec, Mark, Shade
from .legend import fits_one_row, header
from .plotting import BRAILLE, Cells, Line, Plot
from .traces import Trace, scale, trace

__all__ = ["ChartLane", "ChartSpec", "Mark", "Plot", "Shade", "render_chart"]

SMALLEST = (20, 5)
TALL = 12
FAINT = 0.42


def render_chart(spec: ChartSpec, plot: Plot | None = None) -> list[Strip]:
    """The chart as exactly `height` strips of exactly `width` cells; too small a size says so in its first line.

    A `plot` that this chart was drawn with before saves drawing what has not changed; it never changes the outcome.
    """
    if spec.width < SMALLEST[0] or spec.height < SMALLEST[1]:
        return _too_small(spec)
    rows = 1 if spec.height < TALL or fits_one_row(spec) else 2
    canvas = Canvas(spec.width, spec.height - rows, spec.palette.style(spec.palette.foreground))
    area, ticks = lay_out(spec, canvas, scale(spec))
    draw_axes(spec, canvas, area, ticks)
    draw_lines(spec, canvas, area)
    traces = [trace(lane, spec, area.width * spec.glyphs.dots[0]) for lane in spec.lanes]
    _draw_curves(spec, canvas, area, traces, plot or Plot())
    draw_annotations(spec, canvas, area, traces)
    return header(spec, rows) + canvas.strips()


def _too_small(spec: ChartSpec) -> list[Strip]:
    text = "chart needs {}x{} cells".format(*SMALLEST)
    canvas = Canvas(max(spec.width, 0), max(spec.height, 0), spec.palette.style(spec.palette.muted))
    canvas.write(0, 0, text, canvas.blank)
    return canvas.strips()


def _draw_curves(spec: ChartSpec, canvas: Canvas, area: Area, traces: list[Trace], plot: Plot) -> None:
    """Every lane's values or band faintly, then what is drawn above it; without either the values in full."""
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
    """One line per lane; a cell that the layer draws in loses what was there, so that a thin line stays visible."""
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
    """Add one lane's cells to those of others: dots of braille are united, other characters replaced."""
    drawn = (cells != SPACE) & (cells != BRAILLE)
    united = drawn & (codes >= BRAILLE) & (cells >= BRAILLE)
    codes[drawn & ~united] = 0
    codes[drawn] |= cells[drawn]
    inks[drawn] = ink
