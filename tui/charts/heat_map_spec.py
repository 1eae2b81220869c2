"""The frozen inputs of a heat map of gradient histograms."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..style.chart_styles import ASCII, UNICODE, Glyphs, Palette


@dataclass(frozen=True)
class Bound:
    """A value rule from step `first` on: elements outside [low, high] are clipped. None: that side is unbounded."""

    first: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class HeatLane:
    """The histograms of one lane's gradients: `counts[i, k]` elements in bin k (of `measures.BINS`) at `steps[i]`.

    `steps` grow. `zeros`: how many elements are 0 or below the first bin; they count in the shares. `bounds` are
    in the order of steps; `Bound(first)` ends the one before it. `failed` is the step at which the lane failed.
    """

    name: str
    color: str
    steps: NDArray[np.int64]
    counts: NDArray[np.integer]
    zeros: NDArray[np.integer] | None = None
    bounds: tuple[Bound, ...] = ()
    failed: int | None = None


@dataclass(frozen=True)
class HeatMapSpec:
    """A heat map of `width` by `height` cells over the steps [first, last], with a panel for each lane.

    The header of a panel describes the histogram at step `cursor`, or the newest one if it is None. `ends_at_step`: see
    `ChartSpec`.
    """

    title: str
    width: int
    height: int
    lanes: tuple[HeatLane, ...]
    first: int
    last: int
    cursor: int | None = None
    palette: Palette = field(default_factory=Palette)
    ascii: bool = False
    ends_at_step: bool = True
    # What the chart says instead of panels without histograms.
    empty: str = "no gradients measured in these steps"

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return ASCII if self.ascii else UNICODE

    @property
    def window(self) -> tuple[int, int]:
        """The first and last step, at least one step apart."""
        return self.first, max(self.last, self.first + 1)
