"""What bounds the norm of a gradient, and what it remembers of the norms before. Starts without torch.

A norm that is not finite is never remembered: it would decide every bound after it.
"""

from __future__ import annotations

import math
from array import array
from bisect import insort
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np


class Threshold(Protocol):
    """Gives the bound for each norm in turn; `state` is all that the next bound depends on but the norm."""

    def bound(self, norm: float) -> float: ...

    @property
    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


class Fixed:
    """The same bound always."""

    def __init__(self, bound: float) -> None:
        self._bound = bound

    def bound(self, norm: float) -> float:
        """The bound."""
        return self._bound

    @property
    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""


class Percentile:
    """AutoClip: the p-th percentile of all norms so far, this one included, since the rule came into force.

    With the n norms in order, x[0] <= ... <= x[n - 1], and r = p / 100 * (n - 1), it is x[r], interpolated linearly
    where r is no whole number: what `numpy.percentile` gives by default, as in the authors' program (Hyndman and Fan's
    type 7). The first norm bounds itself, so the first step is never clipped.
    """

    def __init__(self, percentile: float) -> None:
        self._share = percentile / 100
        self._norms = array("d")

    def bound(self, norm: float) -> float:
        """The percentile, infinite while there is no finite norm."""
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
        """The norms in order."""
        return {"norms": self._norms.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Remember what a state says."""
        self._norms = array("d", state["norms"])


class Spikes:
    """ZClip: bounds a norm that is a spike among those before it.

    Built is: the first 25 norms are not bounded, and give mean m and variance v (divided by 25). From then on
    z = (norm - m) / (sqrt(v) + 1e-6); with z above the threshold T the bound is m + sqrt(v) * T² / z, so that a larger
    spike is cut further ("reciprocal clipping"), otherwise there is none. Then m = 0.97 m + 0.03 x and, with this new
    m, v = 0.97 v + 0.03 (x - m)², where x is the norm after clipping. This is the authors' program with its defaults,
    but for the fixed bound of 1 that it puts on top, which would make it another rule (`norm:1`).
    """

    ALPHA, WARM_UP, EPS = 0.97, 25, 1e-6

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._first: list[float] = []
        self._mean = self._variance = 0.0

    def bound(self, norm: float) -> float:
        """The bound, infinite for what is no spike."""
        if len(self._first) < self.WARM_UP:
            self._warm_up(norm)
            return math.inf
        deviation = math.sqrt(self._variance)
        z = (norm - self._mean) / (deviation + self.EPS)
        bound = self._mean + deviation * self._threshold * (self._threshold / z) if z > self._threshold else math.inf
        if math.isfinite(norm):
            self._remember(min(norm, bound))
        return bound

    def _warm_up(self, norm: float) -> None:
        if math.isfinite(norm):
            self._first.append(norm)
        if len(self._first) == self.WARM_UP:
            self._mean = float(np.mean(self._first))
            self._variance = float(np.var(self._first))

    def _remember(self, norm: float) -> None:
        self._mean = self.ALPHA * self._mean + (1 - self.ALPHA) * norm
        self._variance = self.ALPHA * self._variance + (1 - self.ALPHA) * (norm - self._mean) ** 2

    @property
    def state(self) -> dict[str, Any]:
        """The norms of the warm-up, mean and variance."""
        return {"first": list(self._first), "mean": self._mean, "variance": self._variance}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Remember what a state says."""
        self._first, self._mean, self._variance = list(state["first"]), state["mean"], state["variance"]
