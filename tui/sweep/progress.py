"""The progress of a sweep and its remaining time."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..text.number_format import duration, number_of


class Progress:
    """Counts replicas; `clock` gives seconds. Replicas before `begin` were loaded and do not count for the speed."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done = total, 0
        self._clock, self._start = clock, clock()
        self._done_before = 0

    def begin(self) -> None:
        """Start timing: the replicas from now on are trained, not loaded."""
        self._start, self._done_before = self._clock(), self.done

    def count(self) -> None:
        """Count one more replica."""
        self.done += 1

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end, None before the first training has finished."""
        if not self.trained:
            return None
        return (self._clock() - self._start) / self.trained * (self.total - self.done)

    @property
    def trained(self) -> int:
        """The number of replicas trained since `begin`."""
        return self.done - self._done_before

    @property
    def done_of_total(self) -> str:
        """For example `3 of 64 trainings done`."""
        return f"{self.done:,} of {number_of(self.total, 'training')} done"

    def __str__(self) -> str:
        remaining = (
            f", about {duration(self.seconds_left)} left"
            if self.seconds_left is not None and self.done < self.total
            else ""
        )
        return f"{self.done_of_total}{remaining}"
