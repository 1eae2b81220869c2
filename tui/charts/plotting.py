"""Lines drawn by plotext on a bare canvas, given back as code points.

plotext's figure is global and not thread-safe: call from one thread. Axes, ticks and legend are drawn by the chart,
which must fit them to the cells it has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotext
from numpy.typing import NDArray

Cells = NDArray[np.uint32]
Limits = tuple[float, float]
BRAILLE = 0x2800


class SharedMarker(plotext.marker):
    """A marker that all points share: plotext's kernel copies it anyway, and its copy per point in Python is slow."""

    def copy(self) -> SharedMarker:
        """Itself."""
        return self


def plot(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    connected: NDArray[np.bool_],
    size: tuple[int, int],
    limits: tuple[Limits, Limits],
    marker: str,
) -> Cells:
    """Points, joined to their predecessor where `connected`, on width by height cells → (height, width) code points.

    `limits` are those of x and y at the edges of the canvas; points outside them are not drawn.
    """
    figure = _bare_figure(size, limits)
    signal = figure.signal(x.tolist(), y.tolist(), marker=SharedMarker(marker))
    signal.lines()
    for index in np.flatnonzero(~connected).tolist():
        signal.line(index, False)
    # plotext reads every point back for a colour cycle that is not used here; that takes longer than drawing.
    signal._get_unique_pixels = list
    figure.draw(signal)
    return _cells(figure.build().string(colorless=True), *size)


def _bare_figure(size: tuple[int, int], limits: tuple[Limits, Limits]) -> Any:
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear.data()
    figure.plot_size(*size)
    figure.axes(False)
    figure.legend(False)
    figure.canvas("default")
    for axis, (low, high) in zip("xy", limits, strict=True):
        figure.ruler(axis).frequency(0).alignment(lim="edge").lim(low, high)
    return figure


def _cells(text: str, width: int, height: int) -> Cells:
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    return codes.reshape(height, width + 1)[:, :width]
