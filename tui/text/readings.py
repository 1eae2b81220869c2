"""What of a lane's measurements is shown now."""

from __future__ import annotations

from ...core.stream.events import OutputDied
from ...core.stream.rules import NoClip, SignClip, ValueClip, recorded_rule
from ...core.stream.state import LaneState

# Classes, and so outputs, of every data set here.
CLASSES = 10


def extent(lane: LaneState) -> tuple[str, float | None]:
    """How much is clipped: the share of components changed, or where all are scaled at once, of the last 100 steps."""
    scales = not isinstance(recorded_rule(lane.rule), NoClip | ValueClip | SignClip)
    if lane.diagnosed is None:
        return ("engaged" if scales else "saturation"), None
    if scales:
        return "engaged", lane.diagnosed.engaged_recently
    return "saturation", lane.diagnosed.total.clipped_share


def cosine(lane: LaneState) -> float | None:
    """cos(g, ĝ) of the last measurement."""
    return lane.diagnosed.total.cosine if lane.diagnosed else None


def dead_outputs(lane: LaneState) -> frozenset[int] | None:
    """The classes whose output is dead now; None where nobody looked.

    At a lane's end those of all validation images, before it those last measured, and what changed since.
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
