"""A lane's curve by time instead of by steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..charts.curve import Curve
from .times import Times

# Of more new points than this, only the smallest and the largest of each block are placed in time.
MOST_POINTS = 40_000


class PlacedCurve:
    """The points of a `source`, which may still grow, at the times at which their steps were done."""

    def __init__(self, source: Curve, times: Times) -> None:
        self._source, self._times = source, times
        self._placed = 0
        self._last = -1
        self.curve = Curve()

    def update(self) -> Curve:
        """The curve with the points that the source has got. Steps whose time is not known yet wait."""
        if self._placed < (count := self._source.count_before(self._times.last_step + 1)):
            self._add(*_thinned(*self._source.points(self._placed, count)))
            self._placed = count
        return self.curve

    def _add(self, steps: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        # Two places must not coincide.
        places = np.maximum(self._times.places(steps), self._last + 1 + np.arange(len(steps)))
        self._last = int(places[-1])
        for place, value in zip(places.tolist(), values.tolist(), strict=True):
            self.curve.append(place, value)


def _thinned(steps: NDArray[np.int64], values: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """At most about MOST_POINTS points: the smallest and the largest of each block in their order; NaN is kept."""
    if len(steps) <= MOST_POINTS:
        return steps, values
    size = 2 * -(-len(steps) // MOST_POINTS)
    whole = len(steps) // size * size
    blocks = values[:whole].reshape(-1, size)
    extremes = np.stack([blocks.argmin(axis=1), blocks.argmax(axis=1)], axis=1)
    at = (np.sort(extremes, axis=1) + np.arange(0, whole, size)[:, None]).ravel()
    at = np.unique(np.append(at, np.arange(whole, len(steps))))
    return steps[at], values[at]
