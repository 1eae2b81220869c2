"""What the screen knows of a run, from events alone: its state, and the curves, lines and marks that it draws."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ...core.stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    EvaluatedEarlier,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LaneStarted,
    MomentsReset,
    OutputDied,
    OutputRevived,
    RunStarted,
)
from ...core.stream.state import RunState, apply
from ...core.text import printable
from ..charts.curve import Curve
from ..text.wording import earlier_line, evaluation_line, finished_line, lane_message, output_line

LineKind = Literal["evaluation", "message", "quiet", "failure"]
# Evaluations that the speed of a lane is measured over.
_SPEED_WINDOW = 20


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a lane's log."""

    text: str
    kind: LineKind
    event: LaneEvent


@dataclass
class LaneView:
    """One lane's curves, the changes of its rule and its moments, and the log lines that no pane has taken yet."""

    loss: Curve = field(default_factory=Curve)
    accuracy: Curve = field(default_factory=Curve)
    changes: list[ClipChanged | MomentsReset] = field(default_factory=list)
    fresh: list[LogLine] = field(default_factory=list)
    recent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_SPEED_WINDOW))

    @property
    def steps_per_second(self) -> float | None:
        """Over the last evaluations, None before there are two."""
        if len(self.recent) < 2 or self.recent[-1][1] <= self.recent[0][1]:
            return None
        (first, start), (last, end) = self.recent[0], self.recent[-1]
        return (last - first) / (end - start)

    @property
    def told_changes(self) -> list[ClipChanged | MomentsReset]:
        """The changes without rules that another one replaced at the same step: no step was taken with these."""
        return list({(change.step, type(change)): change for change in self.changes}.values())


def changed_to(change: ClipChanged | MomentsReset) -> str:
    """What an intervention is called in a chart."""
    return change.rule if isinstance(change, ClipChanged) else "moments reset"


class RunView:
    """Folds events; a `RunStarted` begins anew."""

    def __init__(self) -> None:
        self.state = RunState()
        self.lanes: dict[str, LaneView] = {}
        self.runs = 0

    def fold(self, events: Iterable[Event]) -> None:
        """Take in a batch of events."""
        for event in events:
            if isinstance(event, RunStarted):
                self.state, self.lanes, self.runs = RunState(), {}, self.runs + 1
            self.state = apply(self.state, event)
            if isinstance(event, LaneEvent) and event.lane in self.state.lanes:
                self._fold_lane(event)

    def stand_still(self) -> None:
        """No lane goes any more, whatever was said of it last."""
        for lane in self.lanes.values():
            lane.recent.clear()

    def _fold_lane(self, event: LaneEvent) -> None:
        lane = self.lanes.get(event.lane)
        if lane is None:
            lane = self.lanes[event.lane] = LaneView()
        if isinstance(event, Evaluated | EvaluatedEarlier) and (newest := lane.loss.last) and event.step <= newest[0]:
            return
        match event:
            case Evaluated(step=step, loss=loss, accuracy=accuracy, seconds=seconds):
                lane.loss.append(step, loss)
                lane.accuracy.append(step, accuracy)
                lane.recent.append((step, seconds))
                lane.fresh.append(LogLine(evaluation_line(event), "evaluation", event))
            case EvaluatedEarlier(step=step, stride=stride):
                losses, accuracies = (np.frombuffer(part, "<f4") for part in (event.losses, event.accuracies))
                lane.loss.extend(step, stride, losses)
                lane.accuracy.extend(step, stride, accuracies)
                lane.fresh.append(LogLine(earlier_line(event, len(losses)), "message", event))
            case LaneStarted():
                lane.fresh.append(LogLine("Start Training...", "message", event))
            case LaneFinished():
                lane.fresh.append(LogLine(finished_line(event), "message", event))
            case LaneFailed():
                lane.fresh.append(LogLine(printable(lane_message(event) or ""), "failure", event))
            case OutputDied() | OutputRevived():
                lane.fresh.append(LogLine(output_line(event), "quiet", event))
            case Diagnosed():
                pass
            case _:
                lane.recent.clear()
                if isinstance(event, ClipChanged | MomentsReset):
                    lane.changes.append(event)
                if text := lane_message(event):
                    lane.fresh.append(LogLine(printable(text), "message", event))

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
