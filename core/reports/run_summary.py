"""The content of a report of one run, folded from its events."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from ..runs.lane_course import NO_RULES, LaneCourse, lane_rates, lane_rules
from ..runs.lane_steps import LaneSteps, lane_steps
from ..runs.reader import Intervention, Recorded
from ..statistics.intervals import wilson_interval
from ..stream.builtin_experiments import LENET
from ..stream.config import RunConfig
from ..stream.events import (
    Diagnosed,
    Evaluated,
    Event,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LaneStarted,
    Notice,
)
from ..stream.experiment_info import ExperimentInfo, MetricInfo
from ..stream.lane_differences import is_planned, lane_pairs
from ..stream.series import diagnosed_values, evaluated_values, final_values
from ..stream.state import RunState, apply
from .lane_marks import LaneLabel

# The gauge of LeNet.
DEAD_OUTPUTS = "dead-outputs"
Status = Literal["completed", "stopped", "failed", "unfinished"]


@dataclass(frozen=True)
class FinalResult:
    """A lane's result on the whole validation set after `step` steps.

    `values`: the loss and the metrics by name. `interval`: the 95 % Wilson interval of the accuracy; None if correct
    predictions were not counted. `seconds` is the training time.
    """

    step: int
    values: dict[str, float]
    interval: tuple[float, float] | None
    total: int
    seconds: float

    @classmethod
    def of(cls, event: LaneFinished) -> FinalResult:
        """The result from an event whose `total` is at least 1."""
        interval = None if event.correct is None else wilson_interval(event.correct, event.total)
        return cls(event.step, final_values(event), interval, event.total, event.training_seconds)

    @property
    def loss(self) -> float:
        """The loss."""
        return self.values["loss"]

    def of_metric(self, metric: MetricInfo) -> float:
        """The value of a metric; NaN if there is none."""
        return self.values.get(metric.name, math.nan)

    def interval_of(self, metric: MetricInfo) -> tuple[float, float] | None:
        """The 95 % interval of a metric, if it has one."""
        return self.interval if metric.name == "accuracy" else None

    def overlaps(self, other: FinalResult) -> bool | None:
        """Whether the two intervals overlap; None if there are none."""
        if self.interval is None or other.interval is None:
            return None
        return self.interval[0] <= other.interval[1] and other.interval[0] <= self.interval[1]


@dataclass(frozen=True)
class LaneSummary:
    """One lane of a run.

    `number` is its place among the lanes. `rule` and `rate` are those at its start, and `rule_changed` says whether a
    command changed the rule. `changed_at`: the steps at which its rule or its learning rate changed. A fork has its
    `parent`, and its own steps begin at `forked_at`. `evaluations` and `measured` are in order of steps, each step
    once. `silent_outputs`: the outputs that were 0 for every validation image at the end. `rules`: all its rules.
    `steps`: every step, None if they are not recorded. `watched`: it is a loop of the user's, which may clip by itself.
    """

    name: str
    rule: str
    changed_at: tuple[int, ...]
    evaluations: tuple[Evaluated, ...]
    parameters: int | None
    step: int
    status: str
    final: FinalResult | None
    failed: LaneFailed | None
    measured: tuple[Diagnosed, ...] = ()
    silent_outputs: tuple[int, ...] | None = None
    number: int = 0
    rules: LaneCourse[str] = NO_RULES
    steps: LaneSteps | None = None
    watched: bool = False
    rule_changed: bool = False
    rate: float | None = None
    parent: str | None = None
    forked_at: int = 0

    @property
    def label(self) -> LaneLabel:
        """Its name with the symbol of the screen."""
        return LaneLabel(self.number, self.name)

    def of_gauge(self, gauge: MetricInfo) -> list[tuple[int, float]]:
        """Step and value of each measurement of a gauge."""
        values = ((event.step, diagnosed_values(event).get(gauge.name)) for event in self.measured)
        return [(step, value) for step, value in values if value is not None]

    def last_of(self, gauge: MetricInfo) -> float | None:
        """The last value of a gauge; None if it was not measured."""
        found = self.of_gauge(gauge)
        return found[-1][1] if found else None

    def matches(self, other: LaneSummary) -> bool:
        """Whether two lanes that ended have identical results throughout, or from a fork on."""
        assert self.final
        assert other.final
        since = max(self.forked_at, other.forked_at)
        mine, others = ([one for one in lane.figures if one[0] >= since] for lane in (self, other))
        return mine == others and self.final.values == other.final.values

    @property
    def figures(self) -> tuple[tuple[int, dict[str, float]], ...]:
        """Step, and loss and metrics of each evaluation, in order of steps."""
        return tuple((event.step, evaluated_values(event)) for event in self.evaluations)


@dataclass(frozen=True)
class RunSummary:
    """One run. `name` is the name of its folder, `screen` a picture of its screen (SVG), `state` that at its end.

    `iterations`: the largest number of steps of its lanes, with those that were added. `interventions`: all that
    happened to lanes mid-run, forks and planned changes included.
    """

    name: str
    recorded: Recorded
    status: Status
    lanes: tuple[LaneSummary, ...]
    interventions: tuple[Intervention, ...]
    notices: tuple[str, ...]
    iterations: int
    state: RunState
    screen: str | None = None

    @property
    def watched(self) -> bool:
        """Whether the lanes are loops of the user's, which clipwatch only watched."""
        return self.recorded.started.watched

    @property
    def config(self) -> RunConfig:
        """The settings that the run started with, and the steps that it was to take at the end."""
        return msgspec.structs.replace(self.recorded.started.config, iterations=self.iterations)

    @property
    def experiment(self) -> ExperimentInfo:
        """What was trained."""
        return self.recorded.experiment

    @property
    def is_assignment(self) -> bool:
        """Whether LeNet was trained, which the assignment is about."""
        return self.config.experiment == LENET.info.name

    @property
    def gauges(self) -> tuple[MetricInfo, ...]:
        """What was measured of the network, beside the effect of clipping; no dead outputs where none can die."""
        found = {name for lane in self.lanes for event in lane.measured for name in diagnosed_values(event)}
        if self.is_assignment and self.config.settings.get("head") == "linear":
            found.discard(DEAD_OUTPUTS)
        return tuple(gauge for gauge in self.experiment.gauges if gauge.name in found)

    @property
    def pairs(self) -> tuple[tuple[LaneSummary, LaneSummary], ...]:
        """The pairs of lanes to compare: the first lane with each of the others, a fork with its parent."""
        lanes = {lane.name: lane for lane in self.lanes}
        found = () if self.watched else lane_pairs(self.state)
        return tuple((lanes[a], lanes[b]) for a, b in found if a in lanes and b in lanes)

    @property
    def changes(self) -> tuple[Intervention, ...]:
        """What was changed mid-run, without forks and without what was planned."""
        lanes = self.state.lanes
        return tuple(
            event
            for event in self.interventions
            if not isinstance(event, LaneForked)
            and not (event.lane in lanes and is_planned(self.state, lanes[event.lane], event))
        )

    @property
    def is_clean(self) -> bool:
        """Whether every lane completed all its steps, and nothing was changed mid-run or forked."""
        forked = any(lane.parent for lane in self.lanes)
        unchanged = not self.changes and not forked
        return self.status == "completed" and unchanged and all(lane.final for lane in self.lanes)


def summarize_run(name: str, recorded: Recorded, screen: str | None = None) -> RunSummary:
    """Fold a recording into its story. Lines that a resumed run recorded twice count once."""
    state = RunState()
    for event in recorded.events:
        state = apply(state, event)
    # Lanes of a watched run that begin later are not in its settings.
    rules = {lane.name: lane.rule for lane in recorded.started.config.lanes}
    for event in recorded.table.others:
        if isinstance(event, LaneStarted):
            rules.setdefault(event.lane, event.rule)
    lanes = tuple(
        replace(
            _lane(lane, rules.get(lane, ""), state, recorded.events),
            number=number,
            rules=lane_rules(recorded, lane),
            rate=next(iter(lane_rates(recorded, lane).values), None),
            steps=_steps(recorded, lane),
            watched=recorded.started.watched,
        )
        for number, lane in enumerate(recorded.lanes if recorded.started.watched else _names(rules, recorded.events))
    )
    notices = dict.fromkeys(event.text for event in recorded.events if isinstance(event, Notice))
    interventions = _once(recorded.interventions())
    iterations = max((lane.iterations for lane in state.lanes.values()), default=recorded.started.config.iterations)
    return RunSummary(name, recorded, _status(state), lanes, interventions, tuple(notices), iterations, state, screen)


def _once(events: Iterable[Intervention]) -> tuple[Intervention, ...]:
    """Each event once. Events with a dict in them have no hash."""
    found: list[Intervention] = []
    for event in events:
        if event not in found:
            found.append(event)
    return tuple(found)


def _steps(recorded: Recorded, lane: str) -> LaneSteps | None:
    found = lane_steps(recorded.table.step_logs, lane)
    return found if len(found.steps) else None


def _names(rules: Iterable[str], events: list[Event]) -> list[str]:
    return list(dict.fromkeys((*rules, *(event.lane for event in events if isinstance(event, Evaluated)))))


def _lane(name: str, rule: str, state: RunState, events: list[Event]) -> LaneSummary:
    by_step = {event.step: event for event in events if isinstance(event, Evaluated) and event.lane == name}
    evaluations = tuple(by_step[step] for step in sorted(by_step))
    sizes = (event.parameters for event in events if isinstance(event, LaneStarted) and event.lane == name)
    parameters = next(sizes, None)
    lane = state.lanes.get(name)
    if lane is None:
        return LaneSummary(
            name, rule, (), evaluations, parameters, max(by_step, default=-1) + 1, "unfinished", None, None
        )
    final = FinalResult.of(lane.finished) if lane.finished and lane.finished.total else None
    status = lane.status if lane.ended else "unfinished"
    changed_at = tuple(sorted({*lane.changed_at, *lane.rate_changed_at}))
    diagnosed = {event.step: event for event in events if isinstance(event, Diagnosed) and event.lane == name}
    measured = tuple(diagnosed[step] for step in sorted(diagnosed))
    silent = lane.finished.silent_outputs if lane.finished else None
    return LaneSummary(
        name,
        rule,
        changed_at,
        evaluations,
        parameters,
        lane.step,
        status,
        final,
        lane.failed,
        measured,
        silent,
        rule_changed=bool(lane.changed_at),
        parent=lane.parent,
        forked_at=lane.forked_at or 0,
    )


def _status(state: RunState) -> Status:
    # The recording of a resumed run holds the end of its first part. Only if all lanes have ended is it the last end.
    if state.finished is None or not all(lane.ended for lane in state.lanes.values()):
        return "unfinished"
    return state.finished.reason
