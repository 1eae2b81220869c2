"""Measures the time that a lane takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Measures the seconds since the start of the run, and those that a lane has trained, checkpoints included."""

    def __init__(self) -> None:
        self._started = self._entered = time.perf_counter()
        self._idle = self._restored = 0.0

    def start(self, started: float) -> None:
        """Start to count training time. `started` is the value of `time.perf_counter` at the start of the run."""
        self._started, self._entered = started, time.perf_counter()

    def restore(self, training_seconds: float) -> None:
        """Set the training time before this start."""
        self._restored = training_seconds

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Time spent in this context does not count as training time."""
        since = time.perf_counter()
        yield
        self._idle += time.perf_counter() - since

    @property
    def seconds(self) -> float:
        """Seconds since the start of the run."""
        return time.perf_counter() - self._started

    @property
    def training_seconds(self) -> float:
        """Seconds that the lane has trained."""
        return self._restored + time.perf_counter() - self._entered - self._idle
