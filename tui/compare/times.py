"""When a lane's steps were done, on the clock of its run."""

from __future__ import annotations

from array import array
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from ...core.runs.followed_run import LaneTimes
from ...core.stream.events import Evaluated, LaneEvent

# The horizontal axis of time has integers: microseconds.
PER_SECOND = 1_000_000


class Times:
    """Seconds by step boundary, both ascending. Between two known boundaries a step is placed by interpolation."""

    def __init__(self, known: LaneTimes | None = None) -> None:
        self._steps, self._seconds = array("q"), array("d")
        if known is not None:
            self._steps.extend(known.steps.tolist())
            self._seconds.extend(known.seconds.tolist())

    def fold(self, event: LaneEvent) -> None:
        """Note the time of an event that has one."""
        seconds = getattr(event, "seconds", None)
        if isinstance(seconds, float):
            self.add(event.step + isinstance(event, Evaluated), seconds)

    def add(self, boundary: int, seconds: float) -> None:
        """Note when so many steps were done. A boundary that is not beyond the last one is left out."""
        if not self._steps or boundary > self._steps[-1]:
            self._steps.append(boundary)
            self._seconds.append(max(seconds, self._seconds[-1] if self._seconds else 0.0))

    def before(self, boundary: int) -> Times:
        """The times up to this boundary."""
        count = bisect_right(self._steps, boundary)
        found = Times()
        found._steps, found._seconds = self._steps[:count], self._seconds[:count]
        return found

    @property
    def last_step(self) -> int:
        """The last step whose time is known; -1 if there is none."""
        return self._steps[-1] - 1 if self._steps else -1

    def places(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """When these steps were done, in microseconds, strictly ascending."""
        seconds = np.interp(steps + 1, np.array(self._steps), np.array(self._seconds))
        order = np.arange(len(steps))
        return np.maximum.accumulate(np.rint(seconds * PER_SECOND).astype(np.int64) - order) + order

    def place(self, boundary: int) -> int:
        """When so many steps were done, in microseconds."""
        return int(self.places(np.array([boundary - 1]))[0]) if self._steps else 0

    @property
    def newest(self) -> int:
        """The newest time, in microseconds."""
        return round(self._seconds[-1] * PER_SECOND) if self._seconds else 0
