"""Bounds on the norm of a gradient, fixed or derived from the norms of earlier steps. Starts without torch.

Norms that are not finite are left out of the history, because they would decide every later bound.
"""

from __future__ import annotations

import math
from array import array
from bisect import insort
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np


class NormBound(Protocol):
    """Returns a bound for the norm of each step. `state` is what the next bound depends on besides that norm."""

    def bound(self, norm: float) -> float:
        """The bound for this norm, which becomes part of the history."""
        ...

    @property
    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


class FixedBound:
    """The same bound for every norm."""

    def __init__(self, bound: float) -> None:
        self._bound = bound

    def bound(self, norm: float) -> float:
        """The bound."""
        return self._bound

    @property
    def state(self) -> dict[str, Any]:
        """Empty, because the bound never changes."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""


class PercentileBound:
    """AutoClip: the p-th percentile of all norms since the rule was set, the present one included.

    With the n norms in order, x[0] <= ... <= x[n - 1], and r = p / 100 * (n - 1), it is x[r], interpolated linearly
    between whole r. `numpy.percentile`, which the authors use, does the same by default (type 7 of Hyndman and Fan).
    The first norm is its own bound, so the first step is never clipped.
    """

    def __init__(self, percentile: float) -> None:
        self._share = percentile / 100
        self._norms = array("d")

    def bound(self, norm: float) -> float:
        """The percentile; infinite before the first finite norm."""
        if math.isfinite(norm):
            insort(self._norms, norm)
        if not self._norms:
            return math.inf
        rank = self._share * (len(self._norms) - 1)
        below = int(rank)
        low, high = self._norms[below], self._norms[min(below + 1, len(self._norms) - 1)]
        return low + (rank - below) * (high - low)

    @property
    def state(self) -> dict[str, Any]:
        """The norms in ascending order."""
        return {"norms": self._norms.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        self._norms = array("d", state["norms"])


class SpikeBound:
    """ZClip: bounds a norm that is a spike compared with earlier ones.

    The first 25 norms are not bounded; they give the mean m and the variance v (divided by 25). After that
    z = (norm - m) / (sqrt(v) + 1e-6). If z is above the threshold T, the bound is m + sqrt(v) * T² / z, which is lower
    for a larger spike ("reciprocal clipping"); otherwise there is none. Then m = 0.97 m + 0.03 x and, with this new m,
    v = 0.97 v + 0.03 (x - m)², where x is the norm after clipping. These are the defaults of the authors' program,
    without the fixed bound of 1 that it adds, which is another rule (`norm:1`).
    """

    ALPHA, WARM_UP, EPS = 0.97, 25, 1e-6

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._first: list[float] = []
        self._mean = self._variance = 0.0

    def bound(self, norm: float) -> float:
        """The bound; infinite for a norm that is not a spike."""
        if len(self._first) < self.WARM_UP:
            self._warm_up(norm)
            return math.inf
        deviation = math.sqrt(self._variance)
        z = (norm - self._mean) / (deviation + self.EPS)
        bound = self._mean + deviation * self._threshold * (self._threshold / z) if z > self._threshold else math.inf
        if math.isfinite(norm):
            self._update(min(norm, bound))
        return bound

    def _warm_up(self, norm: float) -> None:
        if math.isfinite(norm):
            self._first.append(norm)
        if len(self._first) == self.WARM_UP:
            self._mean = float(np.mean(self._first))
            self._variance = float(np.var(self._first))

    def _update(self, norm: float) -> None:
        self._mean = self.ALPHA * self._mean + (1 - self.ALPHA) * norm
        self._variance = self.ALPHA * self._variance + (1 - self.ALPHA) * (norm - self._mean) ** 2

    @property
    def state(self) -> dict[str, Any]:
        """The norms of the warm-up, the mean and the variance."""
        return {"first": list(self._first), "mean": self._mean, "variance": self._variance}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        self._first, self._mean, self._variance = list(state["first"]), state["mean"], state["variance"]
