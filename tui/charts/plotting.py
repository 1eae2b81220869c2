"""Lines drawn by plotext on a bare canvas, given back as code points.

plotext's figure is global and not thread-safe: call from one thread. Axes, ticks and legend are drawn by the chart,
which must fit them to the cells it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import plotext
from numpy.typing import NDArray
from plotext._signal.signal import signal_class

Cells = NDArray[np.uint32]
BRAILLE = 0x2800
# Dots in the height of a cell at the finest marker.
_DOTS = 4


@dataclass(frozen=True, eq=False)
class Line:
    """Points at `x` and `y` from 0 to 1 (to the right, and up), joined to their predecessor where `joined`."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    joined: NDArray[np.bool_]
    marker: str


def plot(lines: Sequence[Line], size: tuple[int, int]) -> list[Cells]:
    """Each line alone on width by height cells → (height, width) code points; what lies beyond its edges is put there.

    All are drawn in one figure, one line above the other, for most of a figure's cost does not depend on its content.
    """
    width, height = size
    edge = 0.5 / (height * _DOTS)
    figure = _bare_figure((width, height * len(lines)), len(lines))
    for level, line in enumerate(reversed(lines)):
        # What touches an edge would else be drawn in the line above or below.
        y = level + np.clip(line.y, edge, 1 - edge)
        figure.draw(_signal(line, y))
    text = figure.build().string(colorless=True)
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    return list(codes.reshape(len(lines), height, width + 1)[:, :, :width])


def _signal(line: Line, y: NDArray[np.float64]) -> signal_class:
    """What `figure.signal` makes of a line, without a marker for each point, which takes longer than drawing."""
    marker = _marker(line.marker)
    signal = signal_class(len(y))
    signal._append_points(line.x.tolist(), y.tolist(), [marker] * len(y))
    signal._set_marker(marker)
    for index in np.flatnonzero(line.joined).tolist():
        signal._set_connected(index)
    # plotext reads every point back for a colour cycle that is not used here; that takes longer than drawing, too.
    signal._get_unique_pixels = list
    return signal


@cache
def _marker(name: str) -> Any:
    return plotext.marker(name)


def _bare_figure(size: tuple[int, int], levels: int) -> Any:
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear.data()
    figure.plot_size(*size)
    figure.axes(False)
    figure.legend(False)
    figure.canvas("default")
    for axis, high in (("x", 1), ("y", levels)):
        figure.ruler(axis).frequency(0).alignment(lim="edge").lim(0, high)
    return figure
