"""Conclusions that follow with certainty from a lane's measurements."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.stream.events import Diagnosed
from ...core.stream.rules import ValueClip, recorded_rule
from ...core.stream.state import LaneState, RunState
from ..text.lane_figures import CLASSES
from ..text.number_format import share

SIGNS_ONLY = 0.9
NEARLY_ALL = 0.95


def explanation(state: RunState, lane: LaneState) -> str | None:
    """The most important conclusion about a lane at its last measurement; None if nothing is certain."""
    return next(_conclusions(state, lane), None)


def _conclusions(state: RunState, lane: LaneState) -> Iterator[str]:
    if (measured := lane.diagnosed) is None:
        return
    dead, total = measured.dead_outputs, measured.total
    if len(dead) == CLASSES and total.norm == 0:
        yield "All ten outputs are dead: the loss is ln 10, the gradient is 0, and no rule can revive them."
    elif dead:
        verb = "is" if len(dead) == 1 else "are"
        yield f"{len(dead)} of {CLASSES} outputs {verb} dead: in this evaluation {_cost(measured)}."
    if _identical(state):
        yield "Nothing has been clipped: the lanes are identical."
    clipped, signs = total.clipped_share_nonzero, total.sign_cosine
    adam = state.config is not None and state.config.optimizer == "adam"
    by_value = isinstance(recorded_rule(lane.rule), ValueClip)
    if adam and by_value and clipped and clipped > NEARLY_ALL and signs and signs > SIGNS_ONLY:
        yield f"{share(clipped)} of the nonzero elements are clipped: Adam sees little more than their signs."


def _cost(measured: Diagnosed) -> str:
    """What the dead outputs cost. Where every output is 0, argmax predicts class 0, which may be correct."""
    if 0 not in measured.dead_outputs:
        return f"accuracy cannot exceed {share(1 - measured.dead_share)}"
    if others := measured.dead_outputs[1:]:
        classes = f"{'classes' if len(others) > 1 else 'class'} {' '.join(map(str, others))}"
        return f"{classes} cannot be predicted, class 0 only if all outputs are 0"
    return "class 0 is predicted only if all outputs are 0"


def _identical(state: RunState) -> bool:
    """Whether no rule has changed any gradient and all lanes have the parameters of the first one."""
    lanes, compared = list(state.lanes.values()), list(state.compared.values())
    return (
        len(lanes) > 1
        and not state.changed_mid_run
        and all(lane.diagnosed is not None and lane.diagnosed.engaged == 0 for lane in lanes)
        and len(compared) == len(lanes) - 1
        and all(one.distance == 0 for one in compared)
    )
