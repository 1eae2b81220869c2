"""The speed limits that the speed keys step through, in steps per second."""

from __future__ import annotations

PACES = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 100.0, 200.0, 500.0, 1000.0)
# The screen's limit at the start: 1000 steps take 25 s, slow enough to understand what happens and to intervene.
DEFAULT_PACE = 40.0


def next_pace(pace: float | None, direction: int, speed: float | None = None) -> float | None:
    """The next faster (1) or slower (-1) limit in steps per second; None (no limit) follows the fastest.

    From no limit, the next slower one is below the present `speed`, if that is known.
    """
    if direction > 0:
        return None if pace is None else next((step for step in PACES if step > pace), None)
    faster = speed if pace is None else pace
    if faster is None:
        return PACES[-1]
    return next((step for step in reversed(PACES) if step < faster), PACES[0])
