"""The screen's view of a run, folded from events: its state, and the curves, logs and marks to draw."""

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

# A lane's speed is measured over this many evaluations.
_SPEED_WINDOW = 20


@dataclass
class LaneView:
    """A lane's curves, its rule changes and optimizer resets, and the events not yet in its log."""

    loss: Curve = field(default_factory=Curve)
    accuracy: Curve = field(default_factory=Curve)
    changes: list[ClipChanged | MomentsReset] = field(default_factory=list)
    unlogged: list[LaneEvent] = field(default_factory=list)
    recent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_SPEED_WINDOW))

    def fold(self, event: LaneEvent) -> None:
        """Apply an event of this lane; evaluations at steps already seen are ignored."""
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
        """Return the events not yet in the log, and clear them."""
        events, self.unlogged = self.unlogged, []
        return events

    @property
    def steps_per_second(self) -> float | None:
        """Training speed over the last evaluations; None before the second one."""
        if len(self.recent) < 2 or self.recent[-1][1] <= self.recent[0][1]:
            return None
        (first, start), (last, end) = self.recent[0], self.recent[-1]
        return (last - first) / (end - start)

    @property
    def effective_changes(self) -> list[ClipChanged | MomentsReset]:
        """The changes, without those replaced at the same step, which never applied to a training step."""
        return list({(change.step, type(change)): change for change in self.changes}.values())


class RunView:
    """Folds events; `RunStarted` resets it."""

    def __init__(self) -> None:
        self.state = RunState()
        self.lanes: dict[str, LaneView] = {}
        self.runs = 0
        # Where the run before this one is recorded.
        self.kept_in: str | None = None
        self.engine_gone = False

    def fold(self, event: Event) -> None:
        """Apply an event."""
        if isinstance(event, RunStarted):
            self.kept_in = self.state.recorded_in
            self.state, self.lanes, self.runs = RunState(), {}, self.runs + 1
        self.state = apply(self.state, event)
        if isinstance(event, LaneEvent) and event.lane in self.state.lanes:
            if event.lane not in self.lanes:
                views = {**self.lanes, event.lane: LaneView()}
                self.lanes = {name: views[name] for name in self.state.lanes if name in views}
            self.lanes[event.lane].fold(event)

    def lose_engine(self) -> None:
        """Record that the engine has stopped, so that no lane has a speed any more."""
        self.engine_gone = True
        for lane in self.lanes.values():
            lane.recent.clear()

    @property
    def at_full_speed(self) -> bool:
        """Whether a lane trains without a speed limit."""
        return any(lane.pace is None and lane.status == "training" for lane in self.state.lanes.values())

    @property
    def last_step(self) -> int:
        """The newest step with an evaluation or a change; 0 before the first."""
        evaluated = [lane.loss.last[0] for lane in self.lanes.values() if lane.loss.last]
        changed = [lane.changes[-1].step for lane in self.lanes.values() if lane.changes]
        return max(evaluated + changed, default=0)

    @property
    def final_step(self) -> int:
        """The step of the run's last evaluation; the newest step once all lanes have ended."""
        stride = self.state.config.eval_every if self.state.config else 1
        ends = [(lane.iterations - 1) // stride * stride for lane in self.state.lanes.values() if not lane.ended]
        return max(ends, default=self.last_step)

    def differences(self, first: str, second: str, at: int | None = None) -> tuple[int, float, float] | None:
        """(step, loss, accuracy): second minus first lane at the newest common step, or at the one nearest `at`."""
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
