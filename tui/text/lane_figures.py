"""A lane's latest measurements: how much is clipped, the cosine, the dead outputs."""

from __future__ import annotations

from typing import Literal

from ...core.stream.events import OutputDied
from ...core.stream.rules import NoClip, SignClip, ValueClip, recorded_rule
from ...core.stream.state import LaneState

# The number of classes, and so of outputs, in every data set.
CLASSES = 10


def scales_gradient(rule: str) -> bool:
    """Whether a rule scales all elements of a gradient, or of a part of it, by one factor."""
    return not isinstance(recorded_rule(rule), NoClip | ValueClip | SignClip)


def clipped_share(lane: LaneState) -> tuple[Literal["elements", "steps"], float | None]:
    """How much is clipped: the fraction of elements or, for rules that scale all at once, of the last 100 steps."""
    scales = scales_gradient(lane.rule)
    if lane.diagnosed is None:
        return ("steps" if scales else "elements"), None
    if scales:
        return "steps", lane.diagnosed.engaged_recently
    return "elements", lane.diagnosed.total.clipped_share


def cosine(lane: LaneState) -> float | None:
    """cos(g, ĝ) at the last measurement."""
    return lane.diagnosed.total.cosine if lane.diagnosed else None


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
