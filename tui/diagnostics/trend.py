"""A sparkline: the newest values of a figure in one line of cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from ...core.stream.lane_state import LaneState
from ..text.lane_figures import scales_gradient

# The newest values of a lane's metric, oldest first, given the names of the lane and of the metric. Empty: none known.
History = Callable[[str, str], Sequence[float | None]]

# Without the full block, which would join the sparkline of the line above.
_LEVELS, _ASCII_LEVELS = "▁▂▃▄▅▆▇", "__..--''"


def no_history(lane: str, metric: str) -> Sequence[float | None]:
    """No history: for runs whose series are not kept."""
    return ()


def sparkline(values: Sequence[float | None], width: int, *, ascii: bool) -> str:
    """The last `width` values, from the smallest to the largest of them; NaN, infinity and None are gaps."""
    shown = values[max(0, len(values) - width) :]
    finite = [value for value in shown if value is not None and isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    levels = _ASCII_LEVELS if ascii else _LEVELS
    # Halved, because the difference of two finite numbers can be infinite.
    spread = high / 2 - low / 2
    cells = [
        " "
        if value is None or not isfinite(value)
        else levels[round((len(levels) - 1) * ((value / 2 - low / 2) / spread))]
        if spread
        else levels[0]
        for value in shown
    ]
    return "".join(cells).ljust(width)


def clipped_history(lane: LaneState, history: History) -> Sequence[float | None]:
    """The history of what the table shows of each layer: the scale factor, or the share of elements clipped."""
    if not scales_gradient(lane):
        return history(lane.name, "clipped")
    before, after = (history(lane.name, metric) for metric in ("grad-norm", "clipped-norm"))
    pairs = zip(reversed(before), reversed(after), strict=False)
    return [clipped / norm if norm and clipped is not None else None for norm, clipped in pairs][::-1]
