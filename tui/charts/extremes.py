"""Minimum and maximum of any range of a long series, without a pass over the series."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
Floats = NDArray[np.float32]


class Extremes:
    """Stores both for every block of 32 values; non-finite values are ignored."""

    def __init__(self) -> None:
        self._low, self._high = array("f"), array("f")

    def of(self, values: Floats, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Minimum and maximum of values[start:end] for consecutive, non-empty ranges; NaN: no finite value."""
        self._extend(values)
        first, last = -(-starts // BLOCK), ends // BLOCK
        # A range consists of whole blocks and the values before and after them; a short one may have no whole block.
        head = _gathered(values, starts, np.minimum(first * BLOCK, ends))
        tail = _gathered(values, np.maximum(last * BLOCK, starts), ends)
        low = np.fmin(np.fmin.reduce(head, axis=1), np.fmin.reduce(tail, axis=1))
        high = np.fmax(np.fmax.reduce(head, axis=1), np.fmax.reduce(tail, axis=1))
        whole = first < last
        if whole.any():
            # reduceat also reduces the gaps between ranges; [::2] drops those.
            bounds = np.stack([first[whole], last[whole]], axis=1).ravel()
            bounds = bounds[:-1] if bounds[-1] == len(self._low) else bounds
            low[whole] = np.fmin(low[whole], np.fmin.reduceat(np.frombuffer(self._low, np.float32), bounds)[::2])
            high[whole] = np.fmax(high[whole], np.fmax.reduceat(np.frombuffer(self._high, np.float32), bounds)[::2])
        return low, high

    def _extend(self, values: Floats) -> None:
        """Store the extremes of the blocks completed since the last call."""
        known, complete = len(self._low), len(values) // BLOCK
        if known < complete:
            blocks = _finite(values[known * BLOCK : complete * BLOCK].reshape(-1, BLOCK))
            self._low.frombytes(np.fmin.reduce(blocks, axis=1).tobytes())
            self._high.frombytes(np.fmax.reduce(blocks, axis=1).tobytes())


def _gathered(values: Floats, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Floats:
    """Rows of BLOCK values from each start, NaN from its end on."""
    at = starts[:, None] + np.arange(BLOCK)
    return np.where(at < ends[:, None], _finite(values[np.minimum(at, len(values) - 1)]), np.float32(np.nan))


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.float32(np.nan))
