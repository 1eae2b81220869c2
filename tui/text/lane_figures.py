"""A lane's latest measurements: how much is clipped, the cosine, dead outputs, saturated units."""

from __future__ import annotations

from typing import Literal

from ...core.stream.builtin_experiments import LENET
from ...core.stream.events import Diagnosed, OutputDied
from ...core.stream.lane_state import LaneState
from ...core.stream.measures import RECENT_STEPS
from ...core.stream.rules import NoClip, SignClip, ValueClip, recorded_rule

# The number of classes, and so of outputs, in every data set of LeNet.
CLASSES = LENET.classes
# From this share of saturated states on, most units of a recurrent network cannot be trained any more.
_MANY_SATURATED = 0.25


def scales_gradient(lane: LaneState) -> bool:
    """Whether the lane's rule, or else its loop, scales all elements of a gradient, or of a part, by one factor."""
    return "clips-norm" in lane.audit or not isinstance(recorded_rule(lane.rule), NoClip | ValueClip | SignClip)


def measured(lane: LaneState) -> Diagnosed | None:
    """The last measurement, if the lane's present rule held then."""
    since = lane.rule_since or 0
    return lane.diagnosed if lane.diagnosed and lane.diagnosed.step >= since else None


def clipped_share(lane: LaneState) -> tuple[Literal["elements", "steps"], float | None]:
    """How much is clipped: the fraction of elements or, for rules that scale all at once, of the last 100 steps."""
    scales = scales_gradient(lane)
    if (newest := measured(lane)) is None:
        return ("steps" if scales else "elements"), None
    if scales:
        return "steps", recent_share(lane, newest)
    return "elements", newest.total.clipped_share


def recent_share(lane: LaneState, measured: Diagnosed) -> float | None:
    """The share of the last 100 steps that were clipped; of a fork with fewer steps of its own, that of these."""
    if lane.parent is not None and recent_steps(lane, measured) < RECENT_STEPS:
        return lane.own_share_clipped
    return measured.engaged_recently


def recent_steps(lane: LaneState, measured: Diagnosed) -> int:
    """The number of steps of which `recent_share` is the share."""
    return min(RECENT_STEPS, measured.step + 1 if lane.parent is None else lane.own_steps)


def cosine(lane: LaneState) -> float | None:
    """cos(g, ĝ) at the last measurement."""
    return newest.total.cosine if (newest := measured(lane)) else None


def dead_outputs(lane: LaneState) -> frozenset[int] | None:
    """The classes whose output is dead, or None before the first measurement.

    A finished lane reports the outputs that are 0 on all validation images; a running one reports those of the last
    measurement, updated by the outputs that died or recovered since.
    """
    if lane.finished and lane.finished.silent_outputs is not None:
        return frozenset(lane.finished.silent_outputs)
    if lane.diagnosed is None and not lane.outputs_changed:
        return None
    dead = set(lane.diagnosed.dead_outputs) if lane.diagnosed else set[int]()
    since = lane.diagnosed.step if lane.diagnosed else -1
    for change in lane.outputs_changed:
        if change.step > since:
            (dead.add if isinstance(change, OutputDied) else dead.discard)(change.output)
    return frozenset(dead)


def saturated_share(lane: LaneState) -> float | None:
    """The share of saturated states at the last measurement; None if the experiment has no such gauge."""
    return lane.diagnosed.gauge.get("saturated") if lane.diagnosed else None


def is_saturated(lane: LaneState) -> bool:
    """Whether so many units are saturated that gradients vanish on their way back through time."""
    return (saturated_share(lane) or 0.0) >= _MANY_SATURATED
