"""How often the screen draws: as often as its share of processor time allows, within fixed bounds."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds between frames: the minimum, and the maximum with lanes at full speed and otherwise.
MIN_INTERVAL = 0.05
MAX_INTERVAL_AT_FULL_SPEED = 0.16
MAX_INTERVAL = 0.095
# Seconds after a frame in which keys are handled, however late the frame is.
MIN_PAUSE = 0.01
# Share of one core. At full speed the lanes keep two cores busy, so the screen's share slows them down.
BUDGET_AT_FULL_SPEED = 0.05
BUDGET = 0.2
# Weight of the newest frame in the running mean of a frame's cost: a window of about two seconds at the slowest rate.
_NEWEST_WEIGHT = 0.1


class Cadence:
    """Computes the wait until the next frame from the cost of the last ones; `cpu` and `clock` give seconds."""

    def __init__(
        self, cpu: Callable[[], float] = time.process_time, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._cpu, self._clock = cpu, clock
        self._used, self._due = cpu(), clock()
        self._cost = 0.0
        self._charts_drawn = False

    def next_frame(self, *, full_speed: bool) -> float:
        """Seconds to wait after a frame. Its cost is all processor time since the last call, painting included."""
        used = self._cpu()
        self._cost += _NEWEST_WEIGHT * (used - self._used - self._cost)
        self._used = used
        now = self._clock()
        # Counted from the time this frame was due, so that the time spent drawing does not delay the next one.
        self._due = max(now + MIN_PAUSE, self._due + self._interval(full_speed))
        return self._due - now

    def _interval(self, full_speed: bool) -> float:
        budget, slowest = (BUDGET_AT_FULL_SPEED, MAX_INTERVAL_AT_FULL_SPEED) if full_speed else (BUDGET, MAX_INTERVAL)
        return min(slowest, max(MIN_INTERVAL, self._cost / budget))

    def charts_are_due(self, *, full_speed: bool) -> bool:
        """Whether to draw the charts in this frame: in every frame, but at full speed in every other one."""
        self._charts_drawn = not (full_speed and self._charts_drawn)
        return self._charts_drawn

    def want_charts(self) -> None:
        """Draw the charts in the next frame, at any speed."""
        self._charts_drawn = False
