"""A forked lane's curves begin with its parent's, however the events arrive; its charts begin at the fork."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from test_run_view import OTHER, at, fold
from test_state import LANE, RUN

from clipwatch.core.stream.events import (
    ClipChanged,
    EvaluatedEarlier,
    Event,
    LaneForked,
    LanesCompared,
    LearningRateChanged,
)
from clipwatch.tui.charts.chart import render_chart
from clipwatch.tui.charts.traces import trace
from clipwatch.tui.style.chart_styles import Palette
from clipwatch.tui.style.theme import Theme
from clipwatch.tui.view.chart_specs import ChartSettings, chart_spec
from clipwatch.tui.view.metrics import metric
from clipwatch.tui.view.run_view import RunView

THEME = Theme(Palette(), panel="#000000")
PARENT = [at("a", step, 3.0 - step / 100) for step in (0, 10, 20, 30, 40)]


def forked(lane: str, parent: str, step: int, rule: str = "none") -> list[Event]:
    fork = LaneForked(lane=lane, step=step, parent=parent, rule=rule, learning_rate=0.1, seconds=1.0)
    return [fork, msgspec.structs.replace(LANE, lane=lane, step=step, rule=rule)]


FORK = forked("a+1", "a", 25)
CHILD = [at("a+1", step, 1.0) for step in (30, 40)]


def seen(*events: Event) -> RunView:
    view = RunView()
    fold(view, RUN, LANE, OTHER, *events)
    return view


def values(view: RunView, lane: str) -> dict[int, float]:
    curve, _ = view.curve(lane, "loss")
    steps, losses = curve.points(0, len(curve))
    return {step: round(loss, 3) for step, loss in zip(steps.tolist(), losses.tolist(), strict=True)}


@pytest.mark.parametrize(
    "events",
    [
        [*PARENT[:3], *FORK, *PARENT[3:], *CHILD],
        [*FORK, *CHILD, *PARENT],
        [
            *FORK,
            *CHILD,
            EvaluatedEarlier(
                lane="a", step=0, stride=10, losses=np.array([3, 2.9, 2.8], "<f4").tobytes(), accuracies=b""
            ),
            *PARENT[3:],
        ],
    ],
    ids=["live", "the parent's values later", "a seek"],
)
def test_a_fork_continues_its_parents_values_from_before_the_fork(events: list[Event]) -> None:
    view = seen()
    for event in events:
        view.fold(event)
        # A chart is drawn after each event.
        if "a+1" in view.lanes:
            view.curve("a+1", "loss")
    assert values(view, "a+1") == {0: 3.0, 10: 2.9, 20: 2.8, 30: 1.0, 40: 1.0}
    assert view.curve("a+1", "loss")[1] == 20
    assert values(view, "a") == {0: 3.0, 10: 2.9, 20: 2.8, 30: 2.7, 40: 2.6}
    assert view.curve("a", "loss")[1] is None


def test_a_fork_of_a_fork_has_the_values_of_both() -> None:
    view = seen(*PARENT[:3], *FORK, CHILD[0], *forked("a+1+1", "a+1", 40), at("a+1+1", 40, 7.0))
    assert values(view, "a+1+1") == {0: 3.0, 10: 2.9, 20: 2.8, 30: 1.0, 40: 7.0}
    assert view.curve("a+1+1", "loss")[1] == 30


def test_a_comparison_with_another_lane_is_not_continued() -> None:
    parent = LanesCompared(step=20, lanes=("b", "a"), distance=5.0, disagreement=None)
    own = LanesCompared(step=30, lanes=("a", "a+1"), distance=0.5, disagreement=None)
    view = seen(*PARENT[:3], parent, *FORK, own)
    assert view.curve("a+1", "distance")[0].points(0, 9)[0].tolist() == [30]


def test_at_a_step_before_the_fork_the_lanes_do_not_differ() -> None:
    view = seen(*PARENT[:3], *FORK, *PARENT[3:], *CHILD)
    assert view.differences("a", "a+1", at=10) == (10, 0.0, 0.0)
    assert view.differences("a", "a+1") == (40, pytest.approx(-1.6), 0.0)
    assert view.history("a+1", "loss") == pytest.approx([3.0, 2.9, 2.8, 1.0, 1.0])


def test_the_chart_draws_a_fork_from_the_fork_on() -> None:
    view = seen(*PARENT[:3], *FORK, *PARENT[3:], *CHILD)
    for smoothing in ("off", "medium"):
        spec = chart_spec(metric("loss"), view, ChartSettings(smoothing=smoothing), THEME, (70, 16))
        assert [(mark.step, mark.lane) for mark in spec.marks] == [(25, 2)]
        assert "▲ fork" in "\n".join(strip.text for strip in render_chart(spec))
        # One column per step: of the fork only its parent's last value before it, and its own.
        spec = replace(spec, first=0, last=50)
        columns, _, _ = trace(spec.lanes[2], spec, 50).path(smooth=True)
        assert columns.tolist() == [20, 30, 40]
        assert trace(spec.lanes[0], spec, 50).path(smooth=True)[0].tolist() == [0, 10, 20, 30, 40]


def test_changes_of_the_rate_are_marked_and_shade_nothing() -> None:
    view = seen(*PARENT, LearningRateChanged(lane="a", step=41, rate=0.002, previous=0.001))
    spec = chart_spec(metric("loss"), view, ChartSettings(), THEME, (70, 16))
    assert [(mark.step, mark.lane, mark.label) for mark in spec.marks] == [(41, 0, "lr 0.002")]
    assert not spec.shades


def test_a_fork_with_another_rule_adapts_as_after_a_change_of_rule() -> None:
    def shades(*events: Event) -> list[tuple[int, int, int]]:
        spec = chart_spec(metric("loss"), seen(*PARENT, *events), ChartSettings(), THEME, (70, 16))
        return [(shade.first, shade.last, shade.lane) for shade in spec.shades]

    assert shades(*FORK) == [(25, 25 + 693, 2)]
    assert shades(*forked("a+1", "a", 25, rule="value:0.001")) == []
    change = ClipChanged(lane="a", step=20, rule="none", previous="value:0.001")
    assert shades(change, *forked("a+1", "a", 25)) == [(20, 20 + 693, 0), (25, 20 + 693, 2)]
