"""The progress of a sweep and its remaining time."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...core.stream.sweep_config import SweepConfig
from ..text.number_format import duration, number_of


class Progress:
    """Counts replicas; `clock` gives seconds. Replicas before `begin` were loaded and do not count for the speed."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done = total, 0
        self._clock = clock
        self._start = self._last = clock()
        self._done_before = 0

    def begin(self) -> None:
        """Start timing: the replicas from now on are trained, not loaded."""
        self._start = self._last = self._clock()
        self._done_before = self.done

    def count(self) -> None:
        """Count one more replica."""
        self.done += 1
        self._last = self._clock()

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end, None before the first training has finished.

        Trainings finish in groups, so the time since the last group belongs to trainings that have not finished yet.
        """
        if not self.trained:
            return None
        each = (self._last - self._start) / self.trained
        return max(0.0, each * (self.total - self.done) - (self._clock() - self._last))

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


def estimate(config: SweepConfig, cores: int) -> str:
    """The estimated duration of a sweep, and the cores or device that it runs on."""
    resource = number_of(cores, "core") if config.base.device == "cpu" else config.base.device
    return f"about {duration(config.seconds(cores))} on {resource}"
