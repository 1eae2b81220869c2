"""How often the screen draws: as often as its share of the processor allows."""

from __future__ import annotations

import time

# Seconds between drawings: the fastest ever, and the slowest for log panes and for charts at full speed.
FASTEST = 0.05
SLOWEST_LOG = 0.2
SLOWEST_CHART = 1 / 3
# The lanes keep both cores busy at full speed, so what the screen takes is taken from them.
BUDGET = 0.1


class Cadence:
    """Turns processor time spent drawing into the wait until the next drawing."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._cost = 0.0
        self._chart_due = 0.0

    def next_frame(self, *, full_speed: bool) -> float:
        """Seconds to wait after a frame; counts everything the process did since the last one, painting included."""
        cpu = time.process_time()
        self._cost += 0.3 * (cpu - self._cpu - self._cost)
        self._cpu = cpu
        slowest = SLOWEST_LOG if full_speed else FASTEST
        return min(slowest, max(FASTEST, self._cost / BUDGET))

    def charts_are_due(self, *, full_speed: bool) -> bool:
        """Whether the charts are drawn in this frame too: in every frame, at full speed in some."""
        now = time.monotonic()
        if full_speed and now < self._chart_due:
            return False
        self._chart_due = now + SLOWEST_CHART - SLOWEST_LOG / 2
        return True
