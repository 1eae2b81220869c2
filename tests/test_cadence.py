"""How often the screen draws, by clocks that the tests set."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from clipwatch.tui.live.cadence import BUDGET, BUDGET_AT_FULL_SPEED, MIN_INTERVAL, MIN_PAUSE, Cadence

FRAMES = 400


@dataclass
class Frames:
    """Draws frames that take `cost` seconds, those with charts `charts` seconds more; `log` and `chart` hold when."""

    cost: float
    charts: float = 0.0
    full_speed: bool = True

    def __post_init__(self) -> None:
        self.now = self.used = 0.0
        self.cadence = Cadence(cpu=lambda: self.used, clock=lambda: self.now)
        self.waits: list[float] = []
        self.log: list[float] = []
        self.chart: list[float] = []

    def draw(self, frames: int = FRAMES) -> Frames:
        for _ in range(frames):
            due = self.cadence.charts_are_due(full_speed=self.full_speed)
            self.log.append(self.now)
            if due:
                self.chart.append(self.now)
            spent = self.cost + self.charts * due
            self.now, self.used = self.now + spent, self.used + spent
            self.waits.append(self.cadence.next_frame(full_speed=self.full_speed))
            self.now += self.waits[-1]
        return self


def longest(moments: list[float]) -> float:
    """The longest time between two frames, once the mean cost is known."""
    settled = moments[len(moments) // 2 :]
    return max(after - before for before, after in pairwise(settled))


@pytest.mark.parametrize("cost", [0.001, 0.005, 0.02, 0.1])
def test_at_full_speed_the_logs_keep_5_hz_and_the_charts_3_hz_whatever_drawing_costs(cost: float) -> None:
    frames = Frames(cost, charts=cost / 2).draw()
    assert longest(frames.log) <= 1 / 5
    assert longest(frames.chart) <= 1 / 3


@pytest.mark.parametrize("cost", [0.001, 0.005, 0.02, 0.08])
def test_below_full_speed_everything_keeps_10_hz(cost: float) -> None:
    frames = Frames(cost, full_speed=False).draw()
    assert longest(frames.log) <= 1 / 10
    assert frames.chart == frames.log


@pytest.mark.parametrize(
    ("full_speed", "budget", "cost"), [(True, BUDGET_AT_FULL_SPEED, 0.008), (False, BUDGET, 0.015)]
)
def test_what_drawing_takes_is_its_budget_where_the_limits_leave_it_room(
    full_speed: bool, budget: float, cost: float
) -> None:
    frames = Frames(cost, full_speed=full_speed).draw()
    assert frames.used / frames.now == pytest.approx(budget, rel=0.05)


@pytest.mark.parametrize("full_speed", [True, False])
def test_cheap_frames_come_at_the_fastest_rate_and_no_faster(full_speed: bool) -> None:
    frames = Frames(0.0001, full_speed=full_speed).draw()
    assert longest(frames.log) == pytest.approx(MIN_INTERVAL)


def test_drawing_slows_down_by_itself_and_recovers() -> None:
    frames = Frames(0.003).draw()
    quick = frames.waits[-1]
    frames.cost = 0.02
    assert frames.draw(50).waits[-1] > 2 * quick
    frames.cost = 0.003
    assert frames.draw(100).waits[-1] == pytest.approx(quick, rel=0.05)


def test_a_frame_that_takes_longer_than_the_interval_still_leaves_a_breath() -> None:
    frames = Frames(0.5).draw(20)
    assert min(frames.waits) == pytest.approx(MIN_PAUSE)


def test_after_a_pause_frames_are_not_made_up_for() -> None:
    frames = Frames(0.002).draw()
    frames.now += 10
    frames.draw(10)
    assert sum(frames.waits[-9:]) == pytest.approx(9 * MIN_INTERVAL, rel=0.1)


def test_charts_come_at_once_and_then_in_every_other_frame() -> None:
    cadence = Cadence(cpu=lambda: 0.0, clock=lambda: 0.0)
    assert [cadence.charts_are_due(full_speed=True) for _ in range(5)] == [True, False, True, False, True]
    assert all(cadence.charts_are_due(full_speed=False) for _ in range(3))


def test_charts_that_are_wanted_are_in_the_next_frame_and_then_in_every_other_one() -> None:
    cadence = Cadence(cpu=lambda: 0.0, clock=lambda: 0.0)
    assert cadence.charts_are_due(full_speed=True)
    cadence.want_charts()
    assert [cadence.charts_are_due(full_speed=True) for _ in range(3)] == [True, False, True]
