"""Maps indices to strictly increasing steps, stored as runs of equal spacing."""

from __future__ import annotations

from array import array
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray


class StepIndex:
    """Strictly increasing steps, stored as runs of (first index, first step, spacing)."""

    def __init__(self) -> None:
        self._index, self._step, self._spacing = array("q"), array("q"), array("q")
        self._length = 0
        self._last = -1

    def append(self, step: int) -> None:
        """Add the next step; raises ValueError unless it is above the last one."""
        if self._length and step <= self._last:
            raise ValueError(f"step {step} after step {self._last}: steps must grow")
        if not self._length:
            self._open(step)
        elif self._length - self._index[-1] == 1:
            self._spacing[-1] = step - self._last
        elif step - self._last != self._spacing[-1]:
            self._open(step)
        self._last = step
        self._length += 1

    def extend(self, first: int, spacing: int, count: int) -> None:
        """Add `count` evenly spaced steps; raises ValueError as `append` does."""
        # After three steps, the current run has this spacing.
        for step in range(first, first + spacing * min(3, count), spacing):
            self.append(step)
        self._last += spacing * max(0, count - 3)
        self._length += max(0, count - 3)

    def _open(self, step: int) -> None:
        self._index.append(self._length)
        self._step.append(step)
        self._spacing.append(1)

    def step(self, index: int) -> int:
        """The step at an index."""
        run = bisect_right(self._index, index) - 1
        return self._step[run] + (index - self._index[run]) * self._spacing[run]

    def steps(self, start: int, end: int) -> NDArray[np.int64]:
        """The steps at the indices [start, end)."""
        at = np.arange(start, min(end, self._length))
        if not len(at):
            return at
        index, first, spacing = (np.frombuffer(a, np.int64) for a in (self._index, self._step, self._spacing))
        run = np.searchsorted(index, at, "right") - 1
        return first[run] + (at - index[run]) * spacing[run]

    def at_or_after(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each step, the first index whose step is at or above it; the length if there is none."""
        if not self._length:
            return np.zeros(len(steps), np.int64)
        index, start, spacing = (np.frombuffer(a, np.int64) for a in (self._index, self._step, self._spacing))
        run = np.maximum(np.searchsorted(start, steps, "right") - 1, 0)
        within = np.maximum(-((start[run] - steps) // spacing[run]), 0)
        end = np.append(index[1:], self._length)
        return np.minimum(index[run] + within, end[run])
