"""Curves reduced to the columns of a chart (a value or a range per column), and the scale that fits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chart_spec import ChartLane, ChartSpec
from .curve import CurveColumns
from .ticks import linear_range, log_range

Floats = NDArray[np.float64]
SAMPLES = 128
# The fewest columns with values of which a percentile is taken.
FEWEST = 20
# Spikes are left out of the range if they reach this many times the height of everything else.
FLAT = 3
# Levels within this factor of the values are part of a logarithmic range.
LOG_REACH = 10
# A range spans at least this many of the smallest differences between values with `decimals` digits.
FINEST = 4
ROUNDING = 1e-3
SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class Trace:
    """A lane in columns: `columns` is the range of its values or its band, `smooth` the line drawn on top, if any.

    `gaps`: columns in which the line is interrupted, since a logarithmic scale has no place for their values.
    """

    lane: ChartLane
    columns: CurveColumns
    smooth: NDArray[np.float32] | None
    gaps: NDArray[np.bool_] | None = None

    def path(self, smooth: bool) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]:
        """(columns, values, joined to the previous point) of the smoothed line, or a zigzag through all extremes."""
        if smooth and self.smooth is not None:
            at = np.flatnonzero(np.isfinite(self.smooth))
            joined = np.ones(len(at), np.bool_)
            if self.gaps is not None:
                before = np.cumsum(self.gaps)
                joined[1:] = before[at[1:]] == before[at[:-1]]
            return at, self.smooth[at].astype(np.float64), joined
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

    @property
    def is_dense(self) -> bool:
        """Whether most columns have several values."""
        filled = np.isfinite(self.columns.low)
        return bool((self.columns.low < self.columns.high).sum() * 2 > filled.sum())

    def parts(self) -> list[NDArray[np.float32]]:
        """All arrays of values that the scale must cover."""
        return [self.columns.low, self.columns.high, *([] if self.smooth is None else [self.smooth])]

    def drawn(self, scale: Scale, *, smooth: bool) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]:
        """The path within the scale. Where it leaves the scale, it goes to the edge and is interrupted."""
        columns, values, joined = self.path(smooth)
        out = scale.outside(values) != 0
        both = out[1:] & out[:-1]
        joined[1:] &= ~both
        # Of several values outside, only the first and the last are drawn, at the edge.
        keep = np.ones(len(out), np.bool_)
        keep[1:-1] = ~(both[1:] & both[:-1])
        return columns[keep], values[keep], joined[keep]

    def main(self) -> Floats:
        """The value of the line on top per column; NaN: no point."""
        if self.smooth is not None:
            return self.smooth.astype(np.float64)
        return self.columns.high.astype(np.float64)


def trace(lane: ChartLane, spec: ChartSpec, columns: int) -> Trace:
    """Reduce a lane to the columns of a chart's window."""
    layered = spec.smoothing > 0 or lane.band is not None
    smooth = lane.curve.smoothed(*spec.window, columns, spec.smoothing, log=spec.log) if layered else None
    behind = (lane.curve if lane.band is None else lane.band).columns(*spec.window, columns)
    if lane.start is not None:
        first, last = spec.window
        hidden = max(0, (lane.start - first) * columns // (last - first))
        for part in (behind.low, behind.high, *([] if smooth is None else [smooth])):
            part[:hidden] = np.nan
        behind.broken[:hidden] = False
    if smooth is None or not spec.log:
        return Trace(lane, behind, smooth)
    gaps = behind.high <= 0
    return Trace(lane, behind, np.where(gaps, np.float32(np.nan), smooth), gaps)


@dataclass(frozen=True)
class Scale:
    """The range of values from bottom to top; `hidden`: a logarithmic scale leaves out values ≤ 0."""

    low: float
    high: float
    log: bool
    hidden: bool = False

    def place(self, values: Floats) -> Floats:
        """Values → positions from 0 (bottom) to 1 (top), clamped; NaN stays NaN."""
        return np.clip(self._place(values), 0.0, 1.0)

    def outside(self, values: Floats) -> NDArray[np.int64]:
        """1 for values above the range, -1 for values below it, otherwise 0."""
        places = self._place(values)
        return (places > 1 + ROUNDING).astype(np.int64) - (places < -ROUNDING)

    def _place(self, values: Floats) -> Floats:
        low, high = self.low, self.high
        if self.log:
            # Values ≤ 0 are far below any range.
            values = np.log10(np.maximum(values, SMALLEST))
            low, high = np.log10(low), np.log10(high)
        return (values - low) / (high - low)


def scale(spec: ChartSpec) -> Scale:
    """The spec's bounds, or a range that fits the window's values; it does not depend on the chart's width."""
    bounds = spec.bounds if spec.bounds is not None and spec.bounds[0] < spec.bounds[1] else None
    if bounds and not spec.log:
        return Scale(*bounds, log=False)
    traces = [trace(lane, spec, SAMPLES) for lane in spec.lanes]
    values: Floats = np.concatenate([part for t in traces for part in t.parts()] or [[]]).astype(np.float64)
    values = values[np.isfinite(values)]
    if not spec.log:
        return Scale(*_linear(spec, traces, values), log=False)
    hidden, values = bool((values <= 0).any()), values[values > 0]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.1, 1.0)
    if bounds:
        low, high = bounds
        if low > 0:
            return Scale(low, high, spec.log, hidden)
        low = min(float(values.min()), high / 2) if len(values) else high / 100
    reach = [one.value for one in spec.levels if low / LOG_REACH <= one.value <= high * LOG_REACH]
    return Scale(*log_range(min([low, *reach]), max([high, *reach])), spec.log, hidden)


def _linear(spec: ChartSpec, traces: list[Trace], values: Floats) -> tuple[float, float]:
    """A range for the values without rare spikes, and for the levels near them; never beyond the spec's limits."""
    low, high = _without_spikes(spec, traces, values) if len(values) else (0.1, 1.0)
    reach = high - low
    near = [one.value for one in spec.levels if low - reach <= one.value <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    if spec.decimals is not None and high - low < (finest := FINEST * 10.0**-spec.decimals):
        middle = (low + high) / 2
        low, high = middle - finest / 2, middle + finest / 2
    low, high = linear_range(low, high)
    start, end = spec.limits or (low, high)
    # Values that break the limits are shown all the same.
    return (max(low, start), min(high, end)) if low < end and start < high else (low, high)


def _without_spikes(spec: ChartSpec, traces: list[Trace], values: Floats) -> tuple[float, float]:
    """The lowest and highest value, or the 1st and 99th percentile of what is in sight where spikes flatten the rest.

    Spikes flatten the rest if they leave it less than a quarter of the height. Values within limits never do.
    """
    low, high = float(values.min()), float(values.max())
    if spec.limits is not None:
        return low, high
    sides = [(np.sort(one.columns.low), np.sort(one.columns.high)) for one in traces]
    # Columns without a finite value are sorted to the end.
    filled = [(lows, highs, int(np.isfinite(lows).sum()) - 1) for lows, highs in sides]
    filled = [item for item in filled if item[2] >= FEWEST]
    if not filled:
        return low, high
    start = min(float(lows[-(-last // 100)]) for lows, _, last in filled)
    end = max(float(highs[last * 99 // 100]) for _, highs, last in filled)
    flat = FLAT * (end - start)
    return (start if start - low > flat else low), (end if high - end > flat else high)
