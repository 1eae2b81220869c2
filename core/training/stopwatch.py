"""The time a lane takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Tells the time since the run's second 0, and how long a lane has trained, from checkpoint to checkpoint."""

    def __init__(self) -> None:
        self._started = self._entered = time.perf_counter()
        self._idle = self._before = 0.0

    def start(self, started: float) -> None:
        """The lane begins to train now; `started` is the clock's reading at second 0."""
        self._started, self._entered = started, time.perf_counter()

    def go_on_from(self, training_seconds: float) -> None:
        """Count what the lane had trained for before."""
        self._before = training_seconds

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Time spent here does not count as training time."""
        since = time.perf_counter()
        yield
        self._idle += time.perf_counter() - since

    @property
    def seconds(self) -> float:
        """Since second 0."""
        return time.perf_counter() - self._started

    @property
    def training_seconds(self) -> float:
        """For which the lane has trained."""
        return self._before + time.perf_counter() - self._entered - self._idle
