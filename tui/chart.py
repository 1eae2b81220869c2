"""One chart as lines of a terminal: a pure function of a `ChartSpec`, its curves drawn by plotext."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from .axes import Axes, draw_axes, lay_out
from .canvas import SPACE, Canvas
from .chartspec import ChartLane, ChartSpec, Mark
from .legend import fits_one_row, header, printable
from .plotting import BRAILLE, Cells, plot
from .traces import Scale, Trace, scale, trace

__all__ = ["ChartLane", "ChartSpec", "Mark", "render_chart"]

SMALLEST = (20, 5)
TALL = 12
FAINT, FAINTER = 0.45, 0.16
SYMBOL_EVERY = 14


def render_chart(spec: ChartSpec) -> list[Strip]:
    """The chart as exactly `height` strips of exactly `width` cells; too small a size says so in its first line."""
    if spec.width < SMALLEST[0] or spec.height < SMALLEST[1]:
        return _too_small(spec)
    heading = 1 if fits_one_row(spec, ["step 0000000"]) or spec.height < TALL else 2
    canvas = Canvas(spec.width, spec.height - heading, spec.palette.style(spec.palette.foreground))
    drawing = _draw(spec, canvas)
    return header(spec, drawing.notes(), heading) + canvas.strips()


def _too_small(spec: ChartSpec) -> list[Strip]:
    text = "chart needs {}×{} cells".format(*SMALLEST)
    canvas = Canvas(max(spec.width, 0), max(spec.height, 0), spec.palette.style(spec.palette.muted))
    canvas.write(0, 0, printable(text.replace("×", "x") if spec.ascii else text, spec), canvas.blank)
    return canvas.strips()
