"""Keeps a lane to so many steps a second."""

from __future__ import annotations

import time

# A lane this far behind its pace (a pause, a slow evaluation) starts afresh rather than hurrying to catch up.
_FORGIVEN_SECONDS = 0.1

# Longer than this no lock can wait; who waits asks again.
_LONGEST_WAIT = 60.0


class Pacer:
    """Says how long to wait before the next step; `pace` None never waits."""

    def __init__(self, pace: float | None) -> None:
        self.pace = pace
        self._interval = 0.0 if pace is None else 1 / pace
        self._due = time.perf_counter()

    def patience(self) -> float:
        """Seconds until the next step is due, 0 if it is; more than a minute is told as a minute."""
        return min(_LONGEST_WAIT, max(0.0, self._due - time.perf_counter())) if self._interval else 0.0

    def stepped(self) -> None:
        """Note that a step was taken."""
        if self._interval:
            self._due = max(self._due, time.perf_counter() - _FORGIVEN_SECONDS) + self._interval
