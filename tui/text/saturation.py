"""Sentences about a recurrent network: saturated units, and which lane still has gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...core.stream.builtin_experiments import TEMPORAL_ORDER
from ...core.stream.lane_state import LaneState
from ...core.stream.rules import NoClip, recorded_rule
from ...core.stream.state import RunState
from .lane_figures import is_saturated, saturated_share
from .lane_names import lane_names
from .number_format import share, size
from .sentence import Sentence


def saturation(state: RunState, lane: LaneState) -> Iterator[Sentence]:
    """That a lane's units are saturated, or that its gradients are larger because those of another lane's are."""
    if state.experiment.name != TEMPORAL_ORDER.info.name:
        return
    if is_saturated(lane):
        yield _saturated(lane)
    elif other := next((one for one in state.lanes.values() if _has_smaller_gradients(state, one, lane)), None):
        yield _larger_gradients(state, lane, other)


def _saturated(lane: LaneState) -> Sentence:
    """What saturated units mean, and whether the lane does worse than guessing."""
    part = share(saturated_share(lane))
    flat = f"{part} of the units are saturated (|h| > 0.99), where tanh is flat"
    short, brief = f"{part} of units saturated", f"{part} saturated"
    if _is_worse_than_guessing(lane):
        return (
            f"{flat} and passes hardly any gradient back; the lane does worse than guessing",
            f"{flat}; worse than guessing",
            f"{short} (|h| > 0.99): tanh is flat there; worse than guessing",
            f"{short}: tanh is flat; worse than guessing",
            f"{brief}: worse than guessing",
            brief,
        )
    return f"{flat} and passes hardly any gradient back", flat, f"{short}: tanh is flat there", short, brief


def _is_worse_than_guessing(lane: LaneState) -> bool:
    """Whether the newest loss is above that of guessing among the classes."""
    return lane.latest is not None and lane.latest.loss > math.log(TEMPORAL_ORDER.classes)


def _has_smaller_gradients(state: RunState, other: LaneState, lane: LaneState) -> bool:
    """Whether an unclipped lane is saturated and had smaller raw gradients than a clipped one at their last steps."""
    if not (state.config and lane.diagnosed and other.diagnosed and is_saturated(other)):
        return False
    clips = not isinstance(recorded_rule(lane.rule), NoClip) and isinstance(recorded_rule(other.rule), NoClip)
    # One lane may be a measurement ahead.
    apart = state.config.eval_every * state.config.diagnose_every
    near = abs(lane.diagnosed.step - other.diagnosed.step) <= apart
    mine, others = _largest_norm(lane), _largest_norm(other)
    return clips and near and mine is not None and others is not None and mine > others


def _largest_norm(lane: LaneState) -> float | None:
    """The largest raw gradient norm of the steps up to the last measurement, or the measured one."""
    measured = lane.diagnosed.total.norm if lane.diagnosed else None
    return measured if lane.diagnosed_peak is None else lane.diagnosed_peak


def _larger_gradients(state: RunState, lane: LaneState, other: LaneState) -> Sentence:
    names = lane_names(state.lanes)
    mine, others = names[lane.name], names[other.name]
    norms = f"up to {size(_largest_norm(lane), 2)}, in {others} {size(_largest_norm(other), 2)}"
    saturated = share(saturated_share(other))
    return (
        f"{mine} shows the larger raw gradients (‖g‖ {norms}): its units still react, {saturated} of those of {others} "
        "are saturated",
        f"larger raw ‖g‖ ({norms}): units react, those of {others} are saturated",
        f"larger raw gradients: its units react, those of {others} are saturated",
        f"larger gradients than {others}, which is saturated",
        f"larger gradients: {others} is saturated",
        f"larger gradients than {others}",
    )
