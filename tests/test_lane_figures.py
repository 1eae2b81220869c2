"""The figures of a lane's heading are those of its present rule."""

from __future__ import annotations

from measured import MEASURE, diagnosed
from test_state import LANE, RUN, folded
from test_sweep_screen import theme

from clipwatch.core.stream.events import ClipChanged, LaneForked, StepsTrained
from clipwatch.tui.diagnostics.heading import effect_line
from clipwatch.tui.text.lane_figures import clipped_share, cosine

CHANGED = ClipChanged(lane="a", step=60, rule="none", previous="value:0.001")


def test_a_measurement_from_before_a_change_of_rule_is_not_shown() -> None:
    measured = folded(RUN, LANE, diagnosed("a", 50)).lanes["a"]
    assert (clipped_share(measured), cosine(measured)) == (("elements", MEASURE.clipped_share), MEASURE.cosine)
    changed = folded(RUN, LANE, diagnosed("a", 50), CHANGED).lanes["a"]
    assert (clipped_share(changed), cosine(changed)) == (("elements", None), None)
    again = folded(RUN, LANE, diagnosed("a", 50), CHANGED, diagnosed("a", 60)).lanes["a"]
    assert cosine(again) == MEASURE.cosine


def test_the_share_of_steps_clipped_of_a_fork_is_that_of_its_own_steps() -> None:
    fork = LaneForked(lane="twin", step=300, parent="a", rule="norm:1", learning_rate=0.001, seconds=1.0)
    values = b"\0\0\0\0" * 10
    trained = [
        StepsTrained(lane="twin", step=step, losses=values, norms=values, clipped_norms=values, clipped=clipped)
        for step, clipped in ((309, b"\1" * 10), (309, b"\1" * 10), (319, b"\0" * 10), (339, b"\0" * 10))
    ]
    # Its measurement counts on from its parent, which clipped 1 % of the 100 steps before.
    measured = diagnosed("twin", 300, engaged=0.01)
    assert clipped_share(folded(RUN, LANE, fork, measured, *trained[:3]).lanes["twin"]) == ("steps", 0.5)
    assert clipped_share(folded(RUN, LANE, fork, measured, *trained).lanes["twin"]) == ("steps", None)
    young = folded(RUN, LANE, fork, measured, *trained[:3]).lanes["twin"]
    assert "last 20 steps clipped" in effect_line(1, young, 100, theme()).text
