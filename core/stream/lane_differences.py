"""What two lanes of a run differ by, and whether that makes them a comparison of clipping.

Lanes of one run share initial weights and batches. They are a comparison of clipping if they differ by their rules
alone: all their lives, or, for a fork and its parent or two forks, from the fork on. Rules that were planned for later
steps count as rules. A rule that somebody changed mid-run, another learning rate, another optimizer or one that was
reset does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from .config import RunConfig
from .events import Change, ClipChanged, LaneEvent, LaneForked, LearningRateChanged, MomentsReset
from .lane_config import LaneConfig
from .lane_state import LaneState
from .state import RunState

Setting = Literal["rule", "learning_rate", "optimizer", "beta1"]
_SETTINGS: tuple[Setting, ...] = ("rule", "learning_rate", "optimizer", "beta1")
# The values of a setting, each with the step from which it holds.
_Course = tuple[tuple[int, object], ...]


class LaneDifference(msgspec.Struct, frozen=True):
    """What two lanes differ by.

    `settings`: those that differ at some step. `since`: the step up to which the lanes are one and the same, 0 if
    neither comes from the other or from a common parent. `changed`: those of the two that a command changed mid-run
    after that step, or whose optimizer alone was reset at it.
    """

    settings: tuple[Setting, ...]
    since: int
    changed: tuple[str, ...]

    @property
    def compares_rules(self) -> bool:
        """Whether the two lanes are a comparison of clipping."""
        return self.settings == ("rule",) and not self.changed

    @property
    def beside_rule(self) -> tuple[Setting, ...]:
        """The settings that differ, without the rule."""
        return tuple(setting for setting in self.settings if setting != "rule")


def difference(state: RunState, one: str, other: str) -> LaneDifference:
    """What two lanes of a run that clipwatch trains differ by."""
    a, b = state.lanes[one], state.lanes[other]
    since = _common_steps(state, a, b)
    courses = _courses(state, a), _courses(state, b)
    settings: tuple[Setting, ...] = tuple(name for name in _SETTINGS if courses[0][name] != courses[1][name])
    if "optimizer" in settings:
        # Only Adam has a beta1.
        settings = tuple(name for name in settings if name != "beta1")
    # Another rule or rate at the very step at which a fork begins is what the settings tell.
    first = 0 if since is None else since + 1
    late = {
        lane.name
        for lane in (a, b)
        if any(change.step >= first for change in _changes(state, lane, same_rates="learning_rate" not in settings))
    }
    reset = {lane.name for lane in (a, b) if _is_reset_at(state, lane, since)}
    # If the optimizers of both are reset where they part, they still start alike.
    late |= reset if len(reset) == 1 else set()
    return LaneDifference(settings, since or 0, tuple(lane.name for lane in (a, b) if lane.name in late))


def reference_lane(state: RunState, name: str) -> str | None:
    """The lane that a lane is compared with: its parent, or for one that was not forked the first; None for that."""
    lane = state.lanes[name]
    if lane.parent is not None:
        return lane.parent
    first = next(iter(state.lanes))
    return None if name == first else first


def lane_pairs(state: RunState) -> tuple[tuple[str, str], ...]:
    """The pairs of lanes to compare: each with its reference, and each fork with the first of its parent and step."""
    pairs: list[tuple[str, str]] = []
    firstborn: dict[tuple[str, int | None], str] = {}
    for name, lane in state.lanes.items():
        if (reference := reference_lane(state, name)) in state.lanes:
            assert reference
            pairs.append((reference, name))
        if lane.parent is not None and (sibling := firstborn.setdefault((lane.parent, lane.forked_at), name)) != name:
            pairs.append((sibling, name))
    return tuple(pairs)


def comparisons_of_clipping(state: RunState) -> tuple[tuple[str, str], ...]:
    """The pairs that compare rules: each lane's with those it is compared with, or else with the first that allows."""
    clean = [pair for pair in lane_pairs(state) if difference(state, *pair).compares_rules]
    lanes = list(state.lanes)
    for number, name in enumerate(lanes):
        if all(pair[1] != name for pair in clean):
            earlier = (other for other in lanes[:number] if difference(state, other, name).compares_rules)
            clean += [(other, name) for other in earlier][:1]
    return tuple(clean)


def settings_that_differ(state: RunState) -> tuple[Setting, ...]:
    """The settings in which any two lanes of a run differ at some step."""
    lanes = tuple(state.lanes)
    found = {name for other in lanes[1:] for name in difference(state, lanes[0], other).settings}
    return tuple(name for name in _SETTINGS if name in found)


def is_planned(state: RunState, lane: LaneState, event: LaneEvent) -> bool:
    """Whether an event of a lane is a change of its rule that was planned."""
    return isinstance(event, ClipChanged) and lane.clip_at.get(event.step) == event.rule


def uses_adam(state: RunState, lane: LaneState) -> bool:
    """Whether a lane's optimizer is the run's Adam, whose memory is known."""
    config = settings_of(state, lane)
    return config is not None and config.optimizer == "adam" and not state.experiment.own_optimizer


def settings_of(state: RunState, lane: LaneState) -> RunConfig | None:
    """The run's settings with those that the lane, or the lane it was forked from, has of its own from the start."""
    root = _root(state, lane)
    return state.own_config.for_lane(root) if state.own_config and root else state.own_config


def _root(state: RunState, lane: LaneState) -> LaneConfig | None:
    """The configuration of a lane, or of the first of its ancestors."""
    name = _lineage(state, lane)[0][0]
    lanes = state.config.lanes if state.config else ()
    return next((known for known in lanes if known.name == name), None)


def _lineage(state: RunState, lane: LaneState) -> list[tuple[str, float]]:
    """The ancestors of a lane, the first of them first, and the lane, each with the step at which it was forked."""
    line: list[tuple[str, float]] = []
    while (name := lane.name) not in (known for known, _ in line):
        line.insert(0, (name, math.inf if lane.forked_at is None else lane.forked_at))
        # A damaged recording may lack the parent.
        if lane.parent is None or lane.parent not in state.lanes:
            break
        lane = state.lanes[lane.parent]
    return line


def _common_steps(state: RunState, a: LaneState, b: LaneState) -> int | None:
    """How many steps two lanes have in common; None if neither comes from the other or from a common parent."""
    lines = _lineage(state, a), _lineage(state, b)
    common = sum(one[0] == other[0] for one, other in zip(*lines, strict=False))
    later = [line[common][1] for line in lines if len(line) > common]
    return int(min(later, default=max(a.step, b.step))) if common else None


def _is_reset_at(state: RunState, lane: LaneState, step: int | None) -> bool:
    """Whether the optimizer of a lane, or of the one that it comes from, is reset at a step."""
    root = _root(state, lane)
    rule = root.rule if root else ""
    for change in lane.history:
        match change:
            case MomentsReset() | ClipChanged(moments_reset=True):
                resets = True
            case LaneForked():
                resets = change.rule != rule and state.config is not None and state.config.reset_moments
            case _:
                resets = False
        if resets and change.step == step:
            return True
        rule = change.rule if isinstance(change, ClipChanged | LaneForked) else rule
    return False


def _courses(state: RunState, lane: LaneState) -> dict[Setting, _Course]:
    """The values of each setting over the steps."""
    root, config = _root(state, lane), settings_of(state, lane)
    rules: list[tuple[int, object]] = [(0, root.rule)] if root else []
    rules += lane.clip_at.items()
    rates: list[tuple[int, object]] = [(0, lane.starting_rate)]
    for change in lane.history:
        if isinstance(change, ClipChanged | LaneForked):
            rules.append((change.step, change.rule))
        if isinstance(change, LearningRateChanged):
            rates.append((change.step, change.rate))
        elif isinstance(change, LaneForked) and change.learning_rate is not None:
            rates.append((change.step, change.learning_rate))
    own = config if config and not state.experiment.own_optimizer else None
    beta1 = own.beta1 if own and own.optimizer == "adam" else None
    return {
        "rule": _course(rules),
        "learning_rate": _course(rates),
        "optimizer": ((0, own and own.optimizer),),
        "beta1": ((0, beta1),),
    }


def _course(values: list[tuple[int, object]]) -> _Course:
    """The values in order of steps, without those that change nothing."""
    by_step = dict(sorted(values, key=lambda one: one[0]))
    course: list[tuple[int, object]] = []
    for step, value in by_step.items():
        if not course or course[-1][1] != value:
            course.append((step, value))
    return tuple(course)


def _changes(state: RunState, lane: LaneState, *, same_rates: bool) -> Iterator[Change]:
    """The changes of a lane and of its ancestors, without those that were planned or change nothing.

    `same_rates`: changes of the learning rate do not count, since the lane that it is compared with had the same.
    """
    root = _root(state, lane)
    rule, rate = root.rule if root else "", lane.starting_rate
    for change in lane.history:
        match change:
            case ClipChanged():
                if not is_planned(state, state.lanes.get(change.lane, lane), change):
                    yield change
                rule = change.rule
            case LearningRateChanged():
                if not same_rates:
                    yield change
                rate = change.rate
            case LaneForked():
                own_rate = rate if change.learning_rate is None else change.learning_rate
                if change.rule != rule or (own_rate != rate and not same_rates):
                    yield change
                rule, rate = change.rule, own_rate
            case MomentsReset():
                yield change
