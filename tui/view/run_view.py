"""What the screen knows of a run, from events alone: its state, and the curves, log and marks that it draws."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ...core.stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    EvaluatedEarlier,
    Event,
    LaneEvent,
    LaneExtended,
    LanePaused,
    LaneResumed,
    LaneStepped,
    MomentsReset,
    PaceChanged,
    RunStarted,
)
from ...core.stream.state import RunState, apply
from ..charts.curve import Curve

# Evaluations that the speed of a lane is measured over.
_SPEED_WINDOW = 20


@dataclass
class LaneView:
    """One lane's curves, the changes of its rule and its moments, and the events that its log has not taken yet."""

    loss: Curve = field(default_factory=Curve)
    accuracy: Curve = field(default_factory=Curve)
    changes: list[ClipChanged | MomentsReset] = field(default_factory=list)
    unlogged: list[LaneEvent] = field(default_factory=list)
    recent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_SPEED_WINDOW))

    def fold(self, event: LaneEvent) -> None:
        """Take in an event of this lane; evaluations that come again are left out."""
        if isinstance(event, Evaluated | EvaluatedEarlier) and (newest := self.loss.last) and event.step <= newest[0]:
            return
        match event:
            case Evaluated(step=step, loss=loss, accuracy=accuracy, seconds=seconds):
                self.loss.append(step, loss)
                self.accuracy.append(step, accuracy)
                self.recent.append((step, seconds))
            case EvaluatedEarlier(step=step, stride=stride, losses=losses, accuracies=accuracies):
                self.loss.extend(step, stride, np.frombuffer(losses, "<f4"))
                self.accuracy.extend(step, stride, np.frombuffer(accuracies, "<f4"))
            case ClipChanged() | MomentsReset():
                self.changes.append(event)
                self.recent.clear()
            case LanePaused() | LaneResumed() | LaneStepped() | PaceChanged() | LaneExtended():
                self.recent.clear()
            case _:
                pass
        if not isinstance(event, Diagnosed):
            self.unlogged.append(event)

    def take_unlogged(self) -> list[LaneEvent]:
        """The events that the log has not taken yet, which counts them as taken."""
        events, self.unlogged = self.unlogged, []
        return events

    @property
    def steps_per_second(self) -> float | None:
        """Over the last evaluations, None before there are two."""
        if len(self.recent) < 2 or self.recent[-1][1] <= self.recent[0][1]:
            return None
        (first, start), (last, end) = self.recent[0], self.recent[-1]
        return (last - first) / (end - start)

    @property
    def effective_changes(self) -> list[ClipChanged | MomentsReset]:
        """The changes without those that another one replaced at the same step: no step was taken with these."""
        return list({(change.step, type(change)): change for change in self.changes}.values())


class RunView:
    """Folds events; a `RunStarted` begins anew."""

    def __init__(self) -> None:
        self.state = RunState()
        self.lanes: dict[str, LaneView] = {}
        self.runs = 0
        self.engine_gone = False

    def fold(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, RunStarted):
            self.state, self.lanes, self.runs = RunState(), {}, self.runs + 1
        self.state = apply(self.state, event)
        if isinstance(event, LaneEvent) and event.lane in self.state.lanes:
            if event.lane not in self.lanes:
                self.lanes[event.lane] = LaneView()
            self.lanes[event.lane].fold(event)

    def lose_engine(self) -> None:
        """The engine is gone: no lane goes any more, whatever was said of it last."""
        self.engine_gone = True
        for lane in self.lanes.values():
            lane.recent.clear()

    @property
    def at_full_speed(self) -> bool:
        """Whether a lane trains as fast as it can."""
        return any(lane.pace is None and lane.status == "training" for lane in self.state.lanes.values())

    @property
    def last_step(self) -> int:
        """The newest step that there is anything to draw at, 0 before there is one."""
        evaluated = [lane.loss.last[0] for lane in self.lanes.values() if lane.loss.last]
        changed = [lane.changes[-1].step for lane in self.lanes.values() if lane.changes]
        return max(evaluated + changed, default=0)

    @property
    def final_step(self) -> int:
        """The step of the last evaluation that is to come, the newest step if none is."""
        stride = self.state.config.eval_every if self.state.config else 1
        ends = [(lane.iterations - 1) // stride * stride for lane in self.state.lanes.values() if not lane.ended]
        return max(ends, default=self.last_step)

    def differences(self, first: str, second: str, at: int | None = None) -> tuple[int, float, float] | None:
        """The newest step of both lanes, or that nearest `at`, and second minus first of loss and accuracy there."""
        lanes = [self.lanes.get(name) for name in (first, second)]
        newest = [lane.loss.last for lane in lanes if lane]
        if len(newest) < 2 or None in newest:
            return None
        step = min(point[0] for point in newest if point)
        step = step if at is None else min(at, step)
        losses = [lane.loss.nearest(step) for lane in lanes if lane]
        accuracies = [lane.accuracy.nearest(step) for lane in lanes if lane]
        (one, other), (right, more) = losses, accuracies
        if not (one and other and right and more):
            return None
        return other[0], other[1] - one[1], more[1] - right[1]
