"""The progress of a sweep and its remaining time."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..text.number_format import duration, number_of

# Trainings that finish within so many seconds of the first one belong to the same group.
_SAME_GROUP = 1.0


class Progress:
    """Counts replicas; `clock` gives seconds. Replicas before `begin` were loaded and do not count for the speed."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done = total, 0
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Start timing: the replicas from now on are trained, not loaded."""
        self._start = self._last = self._clock()
        self._done_before = self.done
        # The seconds of the first training; the seconds and the number of trainings when its group had finished.
        self._first: float | None = None
        self._first_group = self._start, 0

    def count(self) -> None:
        """Count one more replica."""
        self.done += 1
        self._last = self._clock()
        self._first = self._last if self._first is None else self._first
        if self._last - self._first < _SAME_GROUP:
            self._first_group = self._last, self.trained

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end, None before the first training has finished.

        Trainings finish in groups, so the time since the last group belongs to trainings that have not finished yet.
        """
        if not self.trained:
            return None
        return max(0.0, self._seconds_each * (self.total - self.done) - (self._clock() - self._last))

    @property
    def _seconds_each(self) -> float:
        """Seconds for each training.

        The first group includes the start of the workers, so it is left out once the others took as long as it did.
        """
        end, trained = self._first_group
        if self._last - end >= end - self._start and self.trained > trained:
            return (self._last - end) / (self.trained - trained)
        return (self._last - self._start) / self.trained

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
