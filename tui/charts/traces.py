"""Curves reduced to the columns of a chart (a value or a range per column), and the scale that fits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chartspec import ChartLane, ChartSpec
from .curve import Columns
from .ticks import linear_range, log_range

Floats = NDArray[np.float64]
SAMPLES = 64


@dataclass(frozen=True, eq=False)
class Trace:
    """A lane in columns: `columns` is the range of its values or its band, `smooth` the line drawn on top, if any."""

    lane: ChartLane
    columns: Columns
    smooth: NDArray[np.float32] | None

    def path(self, smooth: bool) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]:
        """(columns, values, joined to the previous point) of the smoothed line, or a zigzag through all extremes."""
        if smooth and self.smooth is not None:
            at = np.flatnonzero(np.isfinite(self.smooth))
            return at, self.smooth[at].astype(np.float64), np.ones(len(at), np.bool_)
        return self._extremes()

    def _extremes(self) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]:
        """A zigzag up and down through each column's range, interrupted after columns with non-finite values."""
        low, high = self.columns.low, self.columns.high
        at = np.flatnonzero(np.isfinite(low))
        up = np.arange(len(at)) % 2 == 0
        pairs = np.where(up, [low[at], high[at]], [high[at], low[at]]).T.astype(np.float64)
        keep = np.ones(pairs.shape, np.bool_)
        keep[:, 1] = pairs[:, 0] != pairs[:, 1]
        breaks = np.cumsum(self.columns.broken) - self.columns.broken
        joined = np.ones(pairs.shape, np.bool_)
        joined[1:, 0] = breaks[at[1:]] == breaks[at[:-1]]
        return np.repeat(at, 2)[keep.ravel()], pairs[keep], joined[keep]

    def parts(self) -> list[NDArray[np.float32]]:
        """All arrays of values that the scale must cover."""
        return [self.columns.low, self.columns.high, *([] if self.smooth is None else [self.smooth])]

    def main(self) -> Floats:
        """The value of the line on top per column; NaN: no point."""
        if self.smooth is not None:
            return self.smooth.astype(np.float64)
        return self.columns.high.astype(np.float64)


def trace(lane: ChartLane, spec: ChartSpec, columns: int) -> Trace:
    """Reduce a lane to the columns of a chart's window."""
    layered = spec.smoothing > 0 or lane.band is not None
    smooth = lane.curve.smoothed(*spec.window, columns, spec.smoothing) if layered else None
    behind = lane.curve if lane.band is None else lane.band
    return Trace(lane, behind.columns(*spec.window, columns), smooth)


@dataclass(frozen=True)
class Scale:
    """The range of values from bottom to top; `hidden`: a logarithmic scale leaves out values ≤ 0."""

    low: float
    high: float
    log: bool
    hidden: bool = False

    def place(self, values: Floats) -> Floats:
        """Values → positions from 0 (bottom) to 1 (top), clamped; NaN stays NaN."""
        low, high = self.low, self.high
        if self.log:
            values = np.log10(np.maximum(values, low))
            low, high = np.log10(low), np.log10(high)
        return np.clip((values - low) / (high - low), 0.0, 1.0)


def scale(spec: ChartSpec) -> Scale:
    """The spec's bounds, or a range that fits the window's values; it does not depend on the chart's width."""
    bounds = spec.bounds if spec.bounds is not None and spec.bounds[0] < spec.bounds[1] else None
    if bounds and not spec.log:
        return Scale(*bounds, log=False)
    traces = [trace(lane, spec, SAMPLES) for lane in spec.lanes]
    values = np.concatenate([[], *(part for t in traces for part in t.parts())])
    values = values[np.isfinite(values)]
    hidden = spec.log and bool((values <= 0).any())
    if spec.log:
        values = values[values > 0]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.1, 1.0)
    if bounds:
        low, high = bounds
        if low > 0:
            return Scale(low, high, spec.log, hidden)
        low = float(values.min()) if len(values) else high / 100
    return Scale(*(log_range if spec.log else linear_range)(low, high), spec.log, hidden)
