"""How often the screen draws: as often as its share of the processor allows, within what a reader needs."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds between drawings: the fewest; the most while the lanes are at full speed, and the most when they are not.
FASTEST = 0.05
SLOWEST_AT_FULL_SPEED = 0.16
SLOWEST = 0.095
# However late a frame is, keys come between it and the next.
BREATH = 0.01
# Share of one core. At full speed the lanes keep two cores busy, and what the screen takes is taken from them.
BUDGET_AT_FULL_SPEED = 0.05
BUDGET = 0.2
# How much the newest frame counts in the mean cost of a frame: about two seconds' worth at the slowest.
_NEWEST = 0.1


class Cadence:
    """Turns processor time spent on frames into the wait until the next one; `cpu` and `clock` give seconds."""

    def __init__(
        self, cpu: Callable[[], float] = time.process_time, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._cpu, self._clock = cpu, clock
        self._used, self._due = cpu(), clock()
        self._cost = 0.0
        self._charts_drawn = False

    def next_frame(self, *, full_speed: bool) -> float:
        """Seconds to wait after a frame; counts all that the process has done since the last one, painting included."""
        used = self._cpu()
        self._cost += _NEWEST * (used - self._used - self._cost)
        self._used = used
        now = self._clock()
        # From when this frame was due, so that drawing it does not make the next one late.
        self._due = max(now + BREATH, self._due + self._interval(full_speed))
        return self._due - now

    def _interval(self, full_speed: bool) -> float:
        budget, slowest = (BUDGET_AT_FULL_SPEED, SLOWEST_AT_FULL_SPEED) if full_speed else (BUDGET, SLOWEST)
        return min(slowest, max(FASTEST, self._cost / budget))

    def charts_are_due(self, *, full_speed: bool) -> bool:
        """Whether the charts are drawn in this frame too: in every frame, at full speed in every other one."""
        self._charts_drawn = not (full_speed and self._charts_drawn)
        return self._charts_drawn

    def want_charts(self) -> None:
        """Have the charts drawn in the next frame, whatever the speed."""
        self._charts_drawn = False
