"""How far a sweep is, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...core.stream.sweep_config import SweepConfig
from ..text.notation import duration, number_of


class Progress:
    """Counts replicas; `clock` gives seconds. Those that were there before `begin` say nothing about speed."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done = total, 0
        self._clock, self._began = clock, clock()
        self._done_before = 0

    def begin(self) -> None:
        """What comes from now on is being trained."""
        self._began, self._done_before = self._clock(), self.done

    def count(self) -> None:
        """One more replica."""
        self.done += 1

    @property
    def left(self) -> float | None:
        """Seconds until the end, None before anything was trained."""
        if not self.trained:
            return None
        return (self._clock() - self._began) / self.trained * (self.total - self.done)

    @property
    def trained(self) -> int:
        """How many were not there before."""
        return self.done - self._done_before

    @property
    def counted(self) -> str:
        """How many are done."""
        return f"{self.done:,} of {number_of(self.total, 'training')} done"

    def __str__(self) -> str:
        left = f", about {duration(self.left)} left" if self.left is not None and self.done < self.total else ""
        return f"{self.counted}{left}"


def estimate(config: SweepConfig, cores: int) -> str:
    """How long a sweep takes, and on what."""
    place = number_of(cores, "core") if config.base.device == "cpu" else config.base.device
    return f"about {duration(config.seconds(cores))} on {place}"
