"""How far a sweep is, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...core.stream.sweep_config import SweepConfig


class Progress:
    """Counts replicas; `clock` gives seconds. Those that were there before `begin` say nothing about speed."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done = total, 0
        self._clock, self._began = clock, clock()
        self._there = 0

    def begin(self) -> None:
        """What comes from now on is being trained."""
        self._began, self._there = self._clock(), self.done

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
        return self.done - self._there

    @property
    def counted(self) -> str:
        """How many are done."""
        return f"{self.done:,} of {number_of(self.total, 'training')} done"

    def __str__(self) -> str:
        left = f", about {duration(self.left)} left" if self.left is not None and self.done < self.total else ""
        return f"{self.counted}{left}"


def number_of(count: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """A time in the two units that matter."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours / 24:,.0f} days"


def estimate(config: SweepConfig, cores: int) -> str:
    """How long a sweep takes, and on what."""
    place = number_of(cores, "core") if config.base.device == "cpu" else config.base.device
    return f"about {duration(config.seconds(cores))} on {place}"
