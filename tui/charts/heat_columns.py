"""Histograms over steps reduced to the columns and rows of a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...core.stream.measures import BIN_EDGES, BINS
from .heat_map_spec import Bound, HeatLane

Floats = NDArray[np.float64]
# The range leaves out bins with smaller shares at either end: a few elements far off would flatten the rest.
LEAST = 0.002
_LOG_EDGES = np.log10(BIN_EDGES)


def bin_place(size: float) -> float:
    """Where an |g| > 0 lies in the bins: k is the lower edge of bin k. Sizes beyond the bins lie at their end."""
    return float(np.interp(np.log10(size), _LOG_EDGES, np.arange(BINS + 1)))


def bin_size(place: float) -> float:
    """The |g| at a place in the bins."""
    return float(10 ** np.interp(place, np.arange(BINS + 1), _LOG_EDGES))


@dataclass(frozen=True, eq=False)
class HeatColumns:
    """The share of a lane's elements in each bin, by column: (width, BINS); NaN where nothing was measured yet."""

    shares: Floats

    @cached_property
    def bins(self) -> NDArray[np.int64]:
        """The bins that hold a visible share of the elements in some column."""
        return np.flatnonzero(np.nanmax(self.shares, axis=0, initial=0.0) >= LEAST)

    def rows(self, low: float, high: float, height: int) -> Floats:
        """The mean share per bin in `height` rows, from the top, between two places in the bins: (height, width)."""
        edges = np.linspace(high, low, height + 1)
        whole = np.minimum(edges.astype(np.int64), BINS - 1)
        below = np.concatenate([np.zeros((len(self.shares), 1)), np.cumsum(self.shares, axis=1)], axis=1)
        # The share of the elements below each edge: bins are divided evenly.
        cumulated = below[:, whole] + self.shares[:, whole] * (edges - whole)
        return ((cumulated[:, :-1] - cumulated[:, 1:]) * height / (high - low)).T


def heat_columns(lane: HeatLane, window: tuple[int, int], width: int) -> HeatColumns:
    """Average the measurements in each column; a column without one repeats the last, up to the newest measurement."""
    first, last = window
    shares = np.full((width, BINS), np.nan)
    # The step at which column k starts, as in `Curve.columns`; the last column includes the last step.
    starts = first - (-np.arange(width + 1, dtype=np.int64) * (last - first) // width)
    starts[-1] = last + 1
    edges = np.searchsorted(lane.steps, starts)
    if edges[0] == edges[1] and edges[0]:
        # The last measurement before the window gives its first columns.
        edges[0] -= 1
    filled = np.flatnonzero(edges[:-1] < edges[1:])
    if not len(filled):
        return HeatColumns(shares)
    counts = np.add.reduceat(lane.counts[: edges[-1]], edges[filled], dtype=np.int64)
    totals = counts.sum(axis=1)
    if lane.zeros is not None:
        totals = totals + np.add.reduceat(lane.zeros[: edges[-1]], edges[filled], dtype=np.int64)
    newest = int(filled[-1]) if edges[-1] == len(lane.steps) else width - 1
    known = np.arange(filled[0], newest + 1)
    source = np.searchsorted(filled, known, "right") - 1
    shares[known] = (counts / np.maximum(totals, 1)[:, None])[source]
    return HeatColumns(shares)


def bound_sizes(bound: Bound) -> list[float]:
    """The |g| at which a value rule begins to clip, for negative and for positive elements."""
    return sorted({abs(side) for side in (bound.low, bound.high) if side})


def bound_at(lane: HeatLane, step: int) -> Bound | None:
    """The value rule that held at a step."""
    return next((bound for bound in reversed(lane.bounds) if bound.first <= step), None)
