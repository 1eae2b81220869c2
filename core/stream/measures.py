"""Measurements of a layer's gradient and update at one evaluation, and the figures derived from them.

g is the raw gradient, ĝ the clipped gradient, d₊ the number of nonzero elements.
"""

from __future__ import annotations

import struct

import msgspec

# Shares of recent steps are of this many.
RECENT_STEPS = 100
# Histograms of |g| have four bins per decade from 1e-10 to 1e2.
BINS = 48
# A float32's exponent and the upper 6 bits of its mantissa give the cell that it is counted in. A bin is a range of
# whole cells, so its edges lie up to 0.8 % beside the powers of ten.
CELL_BITS = 17


def _cell(value: float) -> int:
    (bits,) = struct.unpack("<i", struct.pack("<f", value))
    return (bits + (1 << (CELL_BITS - 1))) >> CELL_BITS


def cell_edge(cell: int) -> float:
    """The smallest number in a cell."""
    return struct.unpack("<f", struct.pack("<i", cell << CELL_BITS))[0]


EDGE_CELLS = tuple(_cell(10.0 ** (-10 + k / 4)) for k in range(BINS + 1))
BIN_EDGES = tuple(map(cell_edge, EDGE_CELLS))


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """How many |g| lie in each bin. Bin k is [BIN_EDGES[k], BIN_EDGES[k + 1]). `zero` counts those below 2e-40."""

    counts: tuple[int, ...]
    zero: int
    under: int
    over: int
    nan: int = 0
    inf: int = 0

    @property
    def elements(self) -> int:
        """How many elements there are."""
        return self.finite + self.nan + self.inf

    @property
    def finite(self) -> int:
        """How many elements are finite."""
        return sum(self.counts) + self.zero + self.under + self.over


class Measure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The measurements of one layer, or of the whole network. Undefined figures are None.

    `changed`: finite elements that the rule changed; 0 in a skipped step, where ‖ĝ‖ is 0. `percentiles`: the 50th,
    90th and 99th of the nonzero finite |g|, to 1.6 %. `sign_cosine`: cos(ĝ, sign ĝ) = ‖ĝ‖₁ / (√d₊ ‖ĝ‖₂), which is 1
    where the optimizer sees only signs. `update_ratio`: ‖Δw‖ / ‖w‖. `step_size`: mean |Δw| / learning rate.
    `shadow_cosine` and `shadow_distance`: cos(Δw, Δs) and ‖Δw - Δs‖ / ‖Δs‖, where Δs is the counterfactual update:
    what the same optimizer would have done with raw gradients from the start.
    """

    histogram: Histogram
    changed: int = 0
    norm: float = 0.0
    clipped_norm: float = 0.0
    update_ratio: float | None = None
    step_size: float | None = None
    cosine: float | None = None
    sign_cosine: float | None = None
    shadow_cosine: float | None = None
    shadow_distance: float | None = None
    percentiles: tuple[float, float, float] | None = None

    @property
    def clipped_share(self) -> float:
        """Share of the finite elements that the rule changed."""
        return self.changed / self.histogram.finite if self.histogram.finite else 0.0

    @property
    def clipped_share_nonzero(self) -> float | None:
        """Share of the nonzero finite elements that the rule changed; None if all are 0."""
        nonzero = self.histogram.finite - self.histogram.zero
        return self.changed / nonzero if nonzero else None
