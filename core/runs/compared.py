"""Lanes of several runs beside each other: the settings in which they differ, and their values."""

from __future__ import annotations

import os
import string
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import one_line
from ..statistics.intervals import wilson_interval
from ..stream.builtin_experiments import ACCURACY
from ..stream.events import Event, RunStarted
from ..stream.experiment_info import LOSS, MetricInfo, Value
from ..stream.lane_state import LaneState
from ..stream.series import evaluated_values, final_values
from ..stream.state import RunState, apply
from .folder import RunFolder
from .lane_settings import LaneChange, differing, lane_settings


@dataclass
class ComparedRun:
    """A run that is compared, folded from its events. `name` is that of its folder.

    `fault`: why it cannot be read, or what of it is missing. A run without `started` has no lanes and no experiment.
    """

    name: str
    fault: str = ""
    started: RunStarted | None = None
    state: RunState = field(default_factory=RunState)
    changes: list[LaneChange] = field(default_factory=list)

    def fold(self, event: Event) -> None:
        """Apply an event."""
        if isinstance(event, RunStarted):
            self.started, self.changes = event, []
        self.state = apply(self.state, event)
        if isinstance(event, LaneChange):
            self.changes.append(event)


@dataclass(frozen=True)
class LaneValue:
    """A metric of a lane: on all validation data with its 95 % interval if it has one, or of its evaluation `at`."""

    value: float
    interval: tuple[float, float] | None = None
    at: int | None = None


@dataclass(frozen=True)
class ComparedLane:
    """A lane among those compared: its `number` among all, the place of its run, and its place in its run.

    `settings` are all of its settings, `differing` the names of those in which the compared lanes differ.
    """

    number: int
    run: int
    place: int
    run_name: str
    state: LaneState
    settings: dict[str, Value]
    differing: tuple[str, ...]

    @property
    def mark(self) -> str:
        """The number of its run and its letter in it, which tell lanes apart: `2B`."""
        letters = string.ascii_uppercase
        letter = letters[self.place] if self.place < len(letters) else f".{self.place + 1}"
        return f"{self.run + 1}{letter}"

    def value(self, metric: MetricInfo) -> LaneValue | None:
        """The final value of a metric, or that of the newest evaluation; None if there is none."""
        if (end := self.state.finished) and end.total:
            if metric.name not in (values := final_values(end)):
                return None
            counted = metric.name == ACCURACY.name and end.correct is not None
            interval = wilson_interval(end.correct, end.total) if counted and end.correct is not None else None
            return LaneValue(values[metric.name], interval)
        newest = self.state.latest
        if newest is None or metric.name not in (values := evaluated_values(newest)):
            return None
        return LaneValue(values[metric.name], at=newest.step)


def compared_lanes(runs: Sequence[ComparedRun]) -> list[ComparedLane]:
    """The lanes of all runs that have started, in the order of the runs."""
    found = [
        (place, number, lane)
        for place, run in enumerate(runs)
        if run.started
        for number, lane in enumerate(run.state.lanes.values())
    ]
    settings = [_settings(runs[place], lane) for place, _, lane in found]
    names = tuple(differing(settings))
    return [
        ComparedLane(number, run, place, runs[run].name, lane, own, names)
        for number, ((run, place, lane), own) in enumerate(zip(found, settings, strict=True))
    ]


def why_unreadable(folder: RunFolder, error: Exception) -> str:
    """Why a run cannot be read; its folder is named beside it."""
    return one_line(error).replace(f"{folder.path}{os.sep}", "")


def in_short(faults: Sequence[str]) -> str:
    """The first of several messages, and how many more there are."""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{faults[0]}{more}" if faults else ""


def experiments(runs: Sequence[ComparedRun]) -> list[str]:
    """The names of the experiments of the runs that have started, each once."""
    return list(dict.fromkeys(run.state.experiment.name for run in runs if run.started))


def common_metrics(runs: Sequence[ComparedRun]) -> list[MetricInfo]:
    """The metrics of evaluations that all runs have by name, the loss last."""
    return [metric for metric in compared_metrics(runs) if _in_all(runs, metric)]


def compared_metrics(runs: Sequence[ComparedRun]) -> list[MetricInfo]:
    """The metrics of all runs, and the loss: first those that all runs have."""
    found = {metric.name: metric for run in runs if run.started for metric in run.state.experiment.metrics}
    return sorted([*found.values(), LOSS], key=lambda metric: not _in_all(runs, metric))


def _in_all(runs: Sequence[ComparedRun], metric: MetricInfo) -> bool:
    return all(_has(run, metric) for run in runs if run.started)


def _has(run: ComparedRun, metric: MetricInfo) -> bool:
    return metric.name == LOSS.name or any(metric.name == one.name for one in run.state.experiment.metrics)


def _settings(run: ComparedRun, lane: LaneState) -> dict[str, Value]:
    assert run.started
    root = lane
    while root.parent in run.state.lanes:
        root = run.state.lanes[root.parent]
    changes = [event for event in run.changes if event.lane == lane.name]
    return lane_settings(run.started, run.state.experiment, root.name, changes, lane.planned)
