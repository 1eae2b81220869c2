"""The screen's view of a run, folded from events: its state, and the curves, logs and marks to draw."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...core.runs.series_columns import even_stretches
from ...core.stream.events import (
    Attached,
    Change,
    ClipChanged,
    Diagnosed,
    Evaluated,
    EvaluatedEarlier,
    Event,
    HistogramsEarlier,
    LaneEvent,
    LaneExtended,
    LaneForked,
    LanePaused,
    LaneResumed,
    LanesCompared,
    LaneStarted,
    LaneStepped,
    LearningRateChanged,
    MomentsReset,
    PaceChanged,
    ResourcesMeasured,
    RunStarted,
    SeriesEarlier,
    StepsTrained,
)
from ...core.stream.experiment_info import LOSS
from ...core.stream.series import (
    are_given,
    compared_values,
    diagnosed_values,
    earlier_histograms,
    evaluated_values,
    step_values,
)
from ...core.stream.state import RunState, apply
from ..charts.curve import Curve
from .forked_curves import ForkedCurves
from .histogram_series import HistogramSeries

# Events that the charts and the diagnostics show, but not the log.
_NOT_LOGGED = Diagnosed | StepsTrained | SeriesEarlier | HistogramsEarlier
# The series that get the values of new steps first.
_EARLIEST = ("loss", "train-loss", "grad-norm")
# How many values a sparkline shows at most.
_HISTORY = 16
# A lane's speed is measured over this many evaluations.
_SPEED_WINDOW = 20


@dataclass
class LaneView:
    """A lane's curves by series, its rules and other changes, and the events not yet in its log.

    `rules` holds each rule with the step from which it held. A series without values has no curve.
    `new_steps`: for each step since the last value of "steps-clipped", whether it was clipped. That series has a value
    at each evaluation, or if the loop is only `watched` and may have none, at each measurement.
    """

    watched: bool = False
    ever_clipped: bool = False

    series: dict[str, Curve] = field(default_factory=dict)
    histograms: HistogramSeries = field(default_factory=HistogramSeries)
    rules: list[tuple[int, str]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    new_steps: list[bool] = field(default_factory=list)
    unlogged: list[LaneEvent] = field(default_factory=list)
    recent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_SPEED_WINDOW))

    @property
    def loss(self) -> Curve:
        """The validation loss; empty before the first evaluation."""
        return self.series.get("loss") or Curve()

    def fold(self, event: LaneEvent) -> None:
        """Apply an event of this lane. Values at steps already seen are ignored."""
        if isinstance(event, Evaluated | EvaluatedEarlier) and (newest := self.loss.last) and event.step <= newest[0]:
            return
        match event:
            case Evaluated():
                self._evaluate(event)
            case StepsTrained():
                self._add_steps(event)
            case Diagnosed(step=step):
                if self.watched:
                    self._count_steps(step)
                self.add(step, diagnosed_values(event))
                self.histograms.append(step, event.total.histogram)
            case EvaluatedEarlier(step=step, stride=stride, losses=losses, accuracies=accuracies):
                self._extend("loss", step, stride, np.frombuffer(losses, "<f4"))
                for name, values in {"accuracy": accuracies, **event.metrics}.items():
                    self._extend(name, step, stride, np.frombuffer(values, "<f4"))
            case SeriesEarlier(series=series, step=step, stride=stride, values=values):
                self._extend(series, step, stride, np.frombuffer(values, "<f4"))
                self.ever_clipped |= series == "steps-clipped" and bool(np.frombuffer(values, "<f4").any())
            case HistogramsEarlier(step=step, stride=stride):
                self.histograms.extend(step, stride, earlier_histograms(event))
            case LaneStarted(step=step, rule=rule):
                self.rules.append((step, rule))
            case ClipChanged() | LearningRateChanged() | MomentsReset() | LaneForked():
                self._change(event)
            case LanePaused() | LaneResumed() | LaneStepped() | PaceChanged() | LaneExtended():
                self.recent.clear()
            case _:
                pass
        if not isinstance(event, _NOT_LOGGED) and not self._is_start_of_fork(event):
            self.unlogged.append(event)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add values at one step by series, unless the series has one at this step or a later one."""
        for name, value in values.items():
            curve = self.series.get(name)
            if curve is None:
                curve = self.series[name] = Curve()
            if (newest := curve.last) is None or newest[0] < step:
                curve.append(step, value)

    def _extend(self, name: str, first: int, stride: int, values: NDArray[np.float32]) -> None:
        """Add values at evenly spaced steps; those at steps already seen are ignored."""
        curve = self.series.setdefault(name, Curve())
        known = 0 if (newest := curve.last) is None else max(0, (newest[0] - first) // stride + 1)
        if len(values) > known:
            curve.extend(first + known * stride, stride, values[known:])

    def _add_steps(self, event: StepsTrained) -> None:
        newest = self.series["grad-norm"].last if "grad-norm" in self.series else None
        values = step_values(event).after(newest[0] if newest else -1)
        if not len(values.clipped):
            return
        steps = np.arange(values.first, values.first + len(values.clipped))
        for name, of_steps in values.series.items():
            given = are_given(of_steps, values.series["grad-norm"])
            shown, at = of_steps[given], steps[given]
            for start, end, stride in even_stretches(at, 0, len(at)):
                self._extend(name, int(at[start]), stride, shown[start:end])
        self.new_steps += values.clipped.tolist()
        self.ever_clipped |= bool(values.clipped.any())

    def _count_steps(self, step: int) -> None:
        """Add the share of the new steps that were clipped."""
        if steps := self.new_steps:
            self.add(step, {"steps-clipped": sum(steps) / len(steps)})
            steps.clear()

    def _evaluate(self, event: Evaluated) -> None:
        self.add(event.step, evaluated_values(event))
        if not self.watched:
            self._count_steps(event.step)
        self.recent.append((event.step, event.seconds))

    def _change(self, event: Change) -> None:
        self.changes.append(event)
        if isinstance(event, ClipChanged):
            self.rules.append((event.step, event.rule))
        self.recent.clear()

    def _is_start_of_fork(self, event: LaneEvent) -> bool:
        """Whether the log has said that the lane begins, as a fork."""
        forks = (change.step for change in self.changes if isinstance(change, LaneForked))
        return isinstance(event, LaneStarted) and event.step in forks

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
    def effective_changes(self) -> list[Change]:
        """The changes, without those replaced at the same step, which never applied to a training step."""
        return list({(change.step, type(change)): change for change in self.changes}.values())


class RunView:
    """Folds events; `RunStarted` resets it."""

    def __init__(self) -> None:
        self.state = RunState()
        self.lanes: dict[str, LaneView] = {}
        self._forked_curves = ForkedCurves()
        self.runs = 0
        # Where the run before this one is recorded.
        self.kept_in: str | None = None
        self.engine_gone = False

    def fold(self, event: Event) -> None:
        """Apply an event."""
        if isinstance(event, RunStarted):
            self.kept_in = self.state.recorded_in
            self.state, self.lanes, self.runs = RunState(), {}, self.runs + 1
            self._forked_curves = ForkedCurves()
        self.state = apply(self.state, event)
        if isinstance(event, LaneEvent) and event.lane in self.state.lanes:
            if event.lane not in self.lanes:
                views = {**self.lanes, event.lane: LaneView(self.state.watched)}
                self.lanes = {name: views[name] for name in self.state.lanes if name in views}
            self.lanes[event.lane].fold(event)
            if isinstance(event, LaneForked):
                # One more lane shares the cores: the speeds before do not tell how long the lanes still take.
                self._forget_speeds()
        elif isinstance(event, LanesCompared) and event.lanes[1] in self.lanes:
            self.lanes[event.lanes[1]].add(event.step, compared_values(event))
        elif isinstance(event, ResourcesMeasured) and self.state.watched:
            # A watched loop may have no evaluations, by which speed is measured otherwise.
            for name, lane in self.lanes.items():
                if self.state.lanes[name].status == "training":
                    lane.recent.append((self.state.lanes[name].step, event.seconds))
        elif isinstance(event, Attached) and event.process != "running":
            self._forget_speeds()

    def lose_engine(self) -> None:
        """Record that the engine has stopped, so that no lane has a speed any more."""
        self.engine_gone = True
        self._forget_speeds()

    def _forget_speeds(self) -> None:
        for lane in self.lanes.values():
            lane.recent.clear()

    @property
    def steps_per_second(self) -> float | None:
        """The mean training speed of the lanes whose speed is known, None if that is none."""
        known = [speed for lane in self.lanes.values() if (speed := lane.steps_per_second)]
        return sum(known) / len(known) if known else None

    @property
    def at_full_speed(self) -> bool:
        """Whether a lane trains without a speed limit."""
        return any(lane.pace is None and lane.status == "training" for lane in self.state.lanes.values())

    @property
    def last_step(self) -> int:
        """The newest step with a value or a change; 0 before the first."""
        curves = [curve for lane in self.lanes.values() for curve in map(lane.series.get, _EARLIEST) if curve]
        evaluated = [curve.last[0] for curve in curves if curve.last]
        changed = [lane.changes[-1].step for lane in self.lanes.values() if lane.changes]
        return max(evaluated + changed, default=0)

    @property
    def final_step(self) -> int:
        """The run's last step; the newest step once all lanes have ended."""
        ends = [lane.planned - 1 for lane in self.state.lanes.values() if not lane.ended and lane.planned]
        return max([self.last_step, *ends])

    def curve(self, lane: str, series: str) -> tuple[Curve, int | None]:
        """A lane's curve of a series, and the step from which it is drawn: None for all of it.

        That of a forked lane continues its parent's, and is drawn from the parent's last value before the fork on.
        """
        if self.state.lanes[lane].parent is None:
            return self.lanes[lane].series.get(series) or Curve(), None
        curves = {name: view.series for name, view in self.lanes.items()}
        return self._forked_curves.curve(lane, series, self.state.lanes, curves)

    def history(self, lane: str, series: str) -> list[float]:
        """The newest values of a lane's series, oldest first."""
        return self.curve(lane, series)[0].newest(_HISTORY) if lane in self.lanes else []

    def differences(self, first: str, second: str, at: int | None = None) -> tuple[int, float, float | None] | None:
        """(step, loss, main metric): second minus first lane at the newest common step, or at the one nearest `at`.

        The last is None if the experiment has no metric beside the loss.
        """
        lanes = [self.lanes.get(name) for name in (first, second)]
        newest = [lane.loss.last for lane in lanes if lane]
        if len(newest) < 2 or None in newest:
            return None
        step = min(point[0] for point in newest if point)
        step = step if at is None else min(at, step)
        (one, other), (value, more) = (
            [self.curve(lane, series)[0].nearest(step) for lane in (first, second)]
            for series in ("loss", self.state.experiment.main.name)
        )
        if not (one and other and value and more):
            return None
        main = None if self.state.experiment.main is LOSS else more[1] - value[1]
        return other[0], other[1] - one[1], main
