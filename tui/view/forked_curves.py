"""The curves of forked lanes, which begin with those of their parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...core.runs.series_columns import even_stretches
from ...core.stream.lane_state import LaneState
from ..charts.curve import Curve

# Series that compare a lane with another one. A parent is compared with another lane than its fork.
_COMPARED = ("distance", "disagreement")


@dataclass
class _Joined:
    """A curve whose first `inherited` points are the parent's, followed by the lane's first `own` ones."""

    inherited: int
    own: int = 0
    curve: Curve = field(default_factory=Curve)

    def add(self, curve: Curve, start: int, end: int) -> None:
        """Add the points of a curve with the indices [start, end)."""
        steps, values = curve.points(start, end)
        for first, last, stride in even_stretches(steps, 0, len(steps)):
            self.curve.extend(int(steps[first]), stride, values[first:last])


class ForkedCurves:
    """Joins the curves of forked lanes to those of their parents.

    It does so when a curve is drawn and not when it grows: a replay that seeks sends the parent's values after the
    fork's.
    """

    def __init__(self) -> None:
        self._joined: dict[tuple[str, str], _Joined] = {}

    def curve(
        self, lane: str, series: str, lanes: Mapping[str, LaneState], curves: Mapping[str, Mapping[str, Curve]]
    ) -> tuple[Curve, int | None]:
        """A lane's curve of a series, and the step from which it is drawn: None for all of it.

        `curves` are the lanes' own curves by lane and series. That of a forked lane is drawn from its parent's last
        value before the fork on.
        """
        own, state = curves[lane].get(series) or Curve(), lanes[lane]
        if state.parent is None or state.parent not in curves or state.forked_at is None or series in _COMPARED:
            return own, None
        before, _ = self.curve(state.parent, series, lanes, curves)
        # A log of steps may begin before the fork. The parent's are the same there.
        fork = min(state.forked_at, own.points(0, 1)[0].tolist()[0]) if len(own) else state.forked_at
        count = before.count_before(fork)
        joined = self._joined.get((lane, series))
        if joined is None or joined.inherited != count or joined.own > len(own):
            joined = self._joined[lane, series] = _Joined(count)
            joined.add(before, 0, count)
        if joined.own < len(own):
            joined.add(own, joined.own, len(own))
            joined.own = len(own)
        return joined.curve, int(before.points(count - 1, count)[0][0]) if count else None
