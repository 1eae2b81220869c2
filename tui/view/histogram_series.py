"""The histograms of a lane's gradients by step, as the heat map draws them."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from ...core.stream.measures import BINS, Histogram


class HistogramSeries:
    """Histograms of |g| at growing steps: how many elements are 0, and how many are in each bin."""

    def __init__(self) -> None:
        self._steps = array("q")
        self._counts = bytearray()
        self._table: NDArray[np.uint32] = np.empty((0, 1 + BINS), np.uint32)

    def append(self, step: int, histogram: Histogram) -> None:
        """Add a histogram, unless there is one at this step or a later one."""
        counts = np.array([(histogram.zero, *histogram.counts)], "<u4")
        self.extend(step, 1, counts)

    def extend(self, first: int, stride: int, counts: NDArray[np.uint32]) -> None:
        """Add rows of counts (zeros, bins) at evenly spaced steps; those at steps already seen are ignored."""
        steps = first + stride * np.arange(len(counts))
        new = steps > (self._steps[-1] if self._steps else -1)
        self._steps.extend(steps[new].tolist())
        self._counts += counts[new].astype(np.uint32).tobytes()

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps, (n,)."""
        return np.array(self._steps, np.int64)

    @property
    def zeros(self) -> NDArray[np.uint32]:
        """How many elements are 0 at each step, (n,)."""
        return self._rows[:, 0]

    @property
    def counts(self) -> NDArray[np.uint32]:
        """How many elements are in each bin at each step, (n, BINS)."""
        return self._rows[:, 1:]

    @property
    def _rows(self) -> NDArray[np.uint32]:
        # Made again only after an append: a view of the growing buffer would keep it from growing.
        if len(self._table) < len(self._steps):
            self._table = np.frombuffer(bytes(self._counts), np.uint32).reshape(-1, 1 + BINS)
        return self._table
