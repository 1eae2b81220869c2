"""Exponential moving average of a long series, evaluated at any index without a pass over the series."""

from __future__ import annotations

import math
from array import array

import numpy as np
from numpy.typing import NDArray

BLOCK = 32


class Ema:
    """m ← a·m + (1 - a)·x over the finite x, divided by 1 - aⁿ (n: finite values so far), as Adam debiases its moments.

    With `log`, the same of log10 x over the finite x above 0, as a power of ten: a geometric mean, which lies on the
    curve where the chart's scale is logarithmic. Stores the state before every block of 32 values, so that any value
    needs at most 32 terms.
    """

    def __init__(self, factor: float, *, log: bool = False) -> None:
        if not 0 <= factor < 1:
            raise ValueError(f"smoothing {factor}: must be at least 0 and below 1")
        self.factor, self.log = factor, log
        self._powers = factor ** np.arange(BLOCK + 1)
        self._mean, self._count = array("d", [0.0]), array("q", [0])

    def at(self, values: NDArray[np.float32], indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """The average after each of `indices` into `values`; NaN before the first finite value."""
        self._extend(values)
        block = indices // BLOCK
        terms = block[:, None] * BLOCK + np.arange(BLOCK)
        inside = terms <= indices[:, None]
        sums, finite = self._sums(values[np.minimum(terms, len(values) - 1)], inside)
        count = np.frombuffer(self._count, np.int64)[block] + finite
        mean = np.frombuffer(self._mean, np.float64)[block] * self._powers[finite] + sums
        with np.errstate(invalid="ignore", divide="ignore"):
            average = mean / self._debias(count)
        return 10.0**average if self.log else average

    def _debias(self, count: NDArray[np.int64]) -> NDArray[np.float64]:
        weight = np.expm1(count * math.log(self.factor)) if self.factor else -np.ones(len(count))
        return np.where(count > 0, -weight, np.nan)

    def _sums(
        self, values: NDArray[np.float32], inside: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Rows of BLOCK values → each row's contribution to the mean, and how many of its values are used."""
        if self.log:
            values = np.log10(np.where(values > 0, values, np.float32(np.nan)))
        used = np.isfinite(values) & inside
        if used.all():
            weights = (1 - self.factor) * self._powers[BLOCK - 1 :: -1]
            return values.astype(np.float64) @ weights, np.full(len(values), BLOCK)
        rank = np.cumsum(used, axis=1, dtype=np.int64)
        weights = (1 - self.factor) * self._powers[rank[:, -1:] - rank]
        return np.einsum("ij,ij->i", weights, np.where(used, values, 0.0)), rank[:, -1]

    def _extend(self, values: NDArray[np.float32]) -> None:
        """Store the states of the blocks completed since the last call."""
        known, complete = len(self._mean) - 1, len(values) // BLOCK
        if known == complete:
            return
        blocks = values[known * BLOCK : complete * BLOCK].reshape(-1, BLOCK)
        sums, finite = self._sums(blocks, np.ones(blocks.shape, np.bool_))
        mean, count = self._mean[-1], self._count[-1]
        for added, number, decay in zip(sums.tolist(), finite.tolist(), self._powers[finite].tolist(), strict=True):
            mean, count = decay * mean + added, count + number
            self._mean.append(mean)
            self._count.append(count)
