"""The speed limit of a lane."""

from __future__ import annotations

import time

# Seconds of lag (after a pause or a slow evaluation) that a lane catches up; more than that is not caught up.
_MAX_LAG = 0.1

# `threading.Condition.wait` overflows at very long timeouts; callers wait again after a minute.
_MAX_WAIT = 60.0


class Pacer:
    """Limits a lane to `pace` steps per second; None is no limit."""

    def __init__(self, pace: float | None) -> None:
        self.pace = pace
        self._interval = 0.0 if pace is None else 1 / pace
        self._due = time.perf_counter()

    def seconds_left(self) -> float:
        """Seconds until the next step is due, at most a minute."""
        return min(_MAX_WAIT, max(0.0, self._due - time.perf_counter())) if self._interval else 0.0

    def add_step(self) -> None:
        """Record that a step was taken."""
        if self._interval:
            self._due = max(self._due, time.perf_counter() - _MAX_LAG) + self._interval
