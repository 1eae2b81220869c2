"""The figures of a lane's heading are those of its present rule."""

from __future__ import annotations

from measured import MEASURE, diagnosed
from test_state import LANE, RUN, folded

from clipwatch.core.stream.events import ClipChanged
from clipwatch.tui.text.lane_figures import clipped_share, cosine

CHANGED = ClipChanged(lane="a", step=60, rule="none", previous="value:0.001")


def test_a_measurement_from_before_a_change_of_rule_is_not_shown() -> None:
    measured = folded(RUN, LANE, diagnosed("a", 50)).lanes["a"]
    assert (clipped_share(measured), cosine(measured)) == (("elements", MEASURE.clipped_share), MEASURE.cosine)
    changed = folded(RUN, LANE, diagnosed("a", 50), CHANGED).lanes["a"]
    assert (clipped_share(changed), cosine(changed)) == (("elements", None), None)
    again = folded(RUN, LANE, diagnosed("a", 50), CHANGED, diagnosed("a", 60)).lanes["a"]
    assert cosine(again) == MEASURE.cosine
