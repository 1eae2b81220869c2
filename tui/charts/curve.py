"""A lane's loss or accuracy by step: append-only, compact, and reducible to any number of columns."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from .ema import Ema
from .extremes import Extremes
from .step_index import StepIndex

Floats = NDArray[np.float32]
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class CurveColumns:
    """A window of a curve in W columns: finite minimum and maximum (NaN: none), and whether any value is non-finite."""

    low: Floats
    high: Floats
    broken: NDArray[np.bool_]


class Curve:
    """A series of (step, value). Values are stored as float32; evenly spaced steps take no memory."""

    def __init__(self) -> None:
        self._values = array("f")
        self._steps = StepIndex()
        self._broken_from, self._broken_to = array("q"), array("q")
        self._extremes, self._ema = Extremes(), Ema(0.0)

    def __len__(self) -> int:
        return len(self._values)

    def append(self, step: int, value: float) -> None:
        """Add a value; raises ValueError unless `step` is above the last one."""
        self._steps.append(step)
        if not isfinite(value):
            self._note_broken(len(self._values))
        elif abs(value) > LARGEST:
            value = LARGEST if value > 0 else -LARGEST
        self._values.append(value)

    def extend(self, first: int, spacing: int, values: Floats) -> None:
        """Add values at evenly spaced steps; raises ValueError as `append` does."""
        self._steps.extend(first, spacing, len(values))
        for index in np.flatnonzero(~np.isfinite(values)).tolist():
            self._note_broken(len(self._values) + index)
        if values.dtype != np.float32:
            values = np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), values)
        self._values.frombytes(values.astype(np.float32).tobytes())

    def _note_broken(self, index: int) -> None:
        if self._broken_to and self._broken_to[-1] == index:
            self._broken_to[-1] = index + 1
        else:
            self._broken_from.append(index)
            self._broken_to.append(index + 1)

    @property
    def last(self) -> tuple[int, float] | None:
        """The newest (step, value)."""
        return self._point(len(self) - 1) if len(self) else None

    def newest(self, count: int) -> list[float]:
        """The newest `count` values, oldest first."""
        return self._values[-count:].tolist()

    def nearest(self, step: int) -> tuple[int, float] | None:
        """The (step, value) closest to `step`, the earlier of two equally close ones."""
        if not len(self):
            return None
        after = min(int(self._steps.at_or_after(np.array([step]))[0]), len(self) - 1)
        near = [self._point(index) for index in (max(after - 1, 0), after)]
        return min(near, key=lambda point: abs(point[0] - step))

    def count_before(self, step: int) -> int:
        """How many values are at steps before this one."""
        return int(self._steps.at_or_after(np.array([step]))[0])

    def points(self, start: int, end: int) -> tuple[NDArray[np.int64], Floats]:
        """Steps and values with the indices [start, end)."""
        return self._steps.steps(start, end), np.array(self._values[start:end], np.float32)

    def _point(self, index: int) -> tuple[int, float]:
        return self._steps.step(index), self._values[index]

    def _view(self) -> Floats:
        """The values without a copy. Callers must drop it before the next append: an array with a view cannot grow."""
        return np.frombuffer(self._values, np.float32)

    def _edges(self, first: int, last: int, width: int) -> NDArray[np.int64]:
        """Index ranges of the columns: column k has the points edges[k] to edges[k + 1] (exclusive).

        A point at step s lies in column floor((s - first) * width / (last - first)), the last step in the last column.
        """
        ceilings = -(-np.arange(width + 1, dtype=np.int64) * (last - first) // width)
        steps = first + ceilings
        steps[-1] = last + 1
        return self._steps.at_or_after(steps)

    def columns(self, first: int, last: int, width: int) -> CurveColumns:
        """Minimum and maximum per column of the window [first, last]; each point belongs to exactly one column."""
        edges = self._edges(first, last, width)
        low, high = np.full((2, width), np.nan, np.float32)
        filled = np.flatnonzero(edges[:-1] < edges[1:])
        broken = self._broken_columns(edges)
        if len(filled):
            low[filled], high[filled] = self._extremes.of(self._view(), edges[filled], edges[filled + 1])
        return CurveColumns(low, high, broken)

    def _broken_columns(self, edges: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not self._broken_from:
            return np.zeros(len(edges) - 1, np.bool_)
        starts, ends = np.frombuffer(self._broken_from, np.int64), np.frombuffer(self._broken_to, np.int64)
        run = np.searchsorted(ends, edges[:-1], "right")
        return (np.append(starts, len(self))[run] < edges[1:]) & (edges[:-1] < edges[1:])

    def smoothed(self, first: int, last: int, width: int, factor: float, *, log: bool = False) -> Floats:
        """The debiased moving average at each column's last point, over all points since the first; NaN: no point.

        `factor` in [0, 1) is the weight of the past. Non-finite points are ignored. `log`: see `Ema`.
        """
        if (self._ema.factor, self._ema.log) != (factor, log):
            self._ema = Ema(factor, log=log)
        edges = self._edges(first, last, width)
        filled = np.flatnonzero(edges[:-1] < edges[1:])
        out = np.full(width, np.nan, np.float32)
        if len(filled):
            # Rounding can raise the average of the largest numbers above them.
            out[filled] = np.minimum(self._ema.at(self._view(), edges[filled + 1] - 1), LARGEST)
        return out

    def broken(self, first: int, last: int) -> tuple[int, int]:
        """How many values in the window [first, last] are NaN, and how many infinite."""
        if not self._broken_from:
            return 0, 0
        start, end = self._steps.at_or_after(np.array([first, last + 1])).tolist()
        values = self._view()[start:end]
        return int(np.isnan(values).sum()), int(np.isinf(values).sum())
