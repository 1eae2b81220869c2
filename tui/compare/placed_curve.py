"""A lane's curve as the comparison draws it: by steps or by time, and a forked lane's from its parent's curve on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..charts.curve import Curve
from .times import Times

# Of more new points than this, only the smallest and the largest of each block are placed in time.
MOST_POINTS = 40_000


class PlacedCurve:
    """The points of a `source`, which may still grow, at the places of `times`, or at their steps if there are none.

    `origin`: the last point of the parent's curve at or before the fork.
    """

    def __init__(self, source: Curve, times: Times | None, origin: tuple[int, float] | None = None) -> None:
        self._source, self._times = source, times
        self._placed = 0
        self._last = -1
        self.curve = Curve()
        if origin is not None:
            self._add(np.array([origin[0]]), np.array([origin[1]], np.float32))

    def update(self) -> Curve:
        """The curve with the points that the source has got. Steps whose time is not known yet wait."""
        if self._placed < len(self._source):
            steps, values = self._source.points(self._placed)
            known = len(steps)
            if self._times is not None:
                known = int(np.searchsorted(steps, self._times.last_step, "right"))
            self._placed += known
            self._add(*_thinned(steps[:known], values[:known]))
        return self.curve

    def _add(self, steps: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        if not len(steps):
            return
        places = steps if self._times is None else self._times.places(steps)
        # Two places must not coincide, and a parent's last step is before the lane's first.
        places = np.maximum(places, self._last + 1 + np.arange(len(places)))
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
