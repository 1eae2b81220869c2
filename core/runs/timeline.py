"""The order and time in which a replay sends a recording's events, and a short form of all events before a step."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..stream.events import (
    Diagnosed,
    EvaluatedEarlier,
    Event,
    LaneEvent,
    LaneForked,
    LanesCompared,
    LaneStarted,
    ResourcesMeasured,
    StepsTrained,
)
from .event_table import EventTable, Floats, Integers
from .series_columns import SeriesColumn, even_stretches, kind_of, series_columns

# The longest wait in seconds. Pauses of the recorded run are shortened to it.
LONGEST_GAP = 1.0
# The longest duration in seconds that counts as real: a century.
_LONGEST_RUN = 3.2e9
# The newest evaluations of a lane that a seek sends one by one. A log pane shows fewer.
SENT_SINGLY = 100
# Of these only the newest is sent as it is, the values of the others as series.
_ONLY_NEWEST = (Diagnosed, LanesCompared, ResourcesMeasured)


class Timeline:
    """A recording's events with the lanes in step, however far apart they were when recorded.

    `times`: when each event is due, in seconds without long gaps. `last_step`: the last step of any event.
    """

    def __init__(self, table: EventTable) -> None:
        evaluations, step_logs = table.evaluations, table.step_logs
        steps = np.full(len(table), -1)
        steps[evaluations.places] = evaluations.steps
        steps[step_logs.places] = step_logs.steps
        steps[table.other_places] = [event.step if isinstance(event, LaneEvent) else -1 for event in table.others]
        self.last_step = int(max(0, steps.max(initial=0)))
        # An event of no lane stays behind the events before it.
        places = np.where(steps < 0, np.maximum.accumulate(steps), steps) if len(steps) else steps
        order = np.argsort(places, kind="stable")
        self._places = places[order]
        self.times = _times(table, order)
        # `now`: the new index of each event. `_at`: for each new index the row of an evaluation, or of a step log if it
        # is beyond the evaluations, or below 0 another event.
        now = np.empty(len(table), np.int64)
        now[order] = np.arange(len(table))
        self._table, self._now = table, now
        self._at = np.empty(len(table), np.int64)
        self._at[now[evaluations.places]] = np.arange(len(evaluations.places))
        self._at[now[step_logs.places]] = np.arange(len(step_logs.places)) + len(evaluations.places)
        self._at[now[table.other_places]] = ~np.arange(len(table.others))
        newest = np.array([isinstance(event, _ONLY_NEWEST) for event in table.others], np.bool_)
        self._singly = np.sort(now[table.other_places[~newest]])
        self._newest_only = _newest_only(table, now)
        rows = {lane: evaluations.of(lane) for lane in evaluations.names}
        self._series = {lane: _Series(table, of_lane, now) for lane, of_lane in rows.items() if len(of_lane)}

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, index: int) -> Event:
        at, evaluations = self._at.item(index), self._table.evaluations
        if at < 0:
            return self._table.others[~at]
        beyond = at - len(evaluations.places)
        return evaluations[at] if beyond < 0 else self._table.step_logs[beyond]

    @cached_property
    def _starts(self) -> dict[str, int]:
        """The lanes in the order of their start, and the index of the event that forked them, -1 for the others."""
        started: dict[str, int] = {}
        for index in self._singly.tolist():
            event = self[index]
            if isinstance(event, LaneStarted | LaneForked):
                started.setdefault(event.lane, index if isinstance(event, LaneForked) else -1)
        return started | {lane: -1 for lane in self._series if lane not in started}

    def lanes_before(self, index: int) -> list[str]:
        """The names of the lanes in the order of their start, without those that are forked at this event or later."""
        return [lane for lane, start in self._starts.items() if start < index]

    def after(self, step: int) -> int:
        """The number of events up to this step boundary."""
        return int(np.searchsorted(self._places, step, "right"))

    def condensed(self, start: int, end: int) -> Iterator[Event]:
        """The events from `start` to below `end` in short: older evaluations and measurements as series."""
        earlier: dict[int, list[Event]] = {}
        shown = [self._singly[(self._singly >= start) & (self._singly < end)]]
        for kind, indices in self._newest_only.items():
            if len(newest := indices[(indices >= start) & (indices < end)][-1:]):
                shown.append(newest)
                columns = self._columns.get(kind, ())
                earlier[int(newest[0])] = [event for one in columns for event in one.at_once(start, int(newest[0]))]
        for lane, series in self._series.items():
            begin, last = np.searchsorted(series.indices, (start, end)).tolist()
            first = max(begin, last - SENT_SINGLY)
            shown.append(series.indices[first:last])
            if first > begin:
                earlier[int(series.indices[first])] = list(series.at_once(lane, begin, first))
        for index in np.sort(np.concatenate(shown)).tolist():
            yield from earlier.get(index, ())
            yield self[index]

    @cached_property
    def _columns(self) -> dict[object, list[SeriesColumn]]:
        """The values of step logs and measurements by kind. Only seeks need them."""
        return series_columns(self._table, self._now)


class _Series:
    """One lane's evaluations in columns. A step that was evaluated twice counts once."""

    def __init__(self, table: EventTable, rows: Integers, now: Integers) -> None:
        evaluations = table.evaluations
        rows = rows[np.argsort(now[evaluations.places[rows]])]
        steps = evaluations.steps[rows]
        newest = np.maximum.accumulate(steps)
        growing = np.ones(len(rows), np.bool_)
        growing[1:] = steps[1:] > newest[:-1]
        rows, self.steps = rows[growing], steps[growing]
        self.indices = now[evaluations.places[rows]]
        self._losses, self._accuracies = (_single(of[rows]) for of in (evaluations.losses, evaluations.accuracies))
        self._has_accuracy = not np.isnan(self._accuracies).all()
        self._metrics = {name: _single(evaluations.values(name)[rows]) for name in evaluations.metric_names}

    def at_once(self, lane: str, start: int, end: int) -> Iterator[EvaluatedEarlier]:
        """The evaluations from `start` to below `end`, one event for each evenly spaced stretch."""
        for first, last, stride in even_stretches(self.steps, start, end):
            yield EvaluatedEarlier(
                lane=lane,
                step=int(self.steps[first]),
                stride=stride,
                losses=self._losses[first:last].tobytes(),
                accuracies=self._accuracies[first:last].tobytes() if self._has_accuracy else b"",
                metrics={name: values[first:last].tobytes() for name, values in self._metrics.items()},
            )


def _newest_only(table: EventTable, now: Integers) -> dict[object, Integers]:
    """The indices of the step logs and measurements of each lane, and of the comparisons of each pair of lanes."""
    places: dict[object, list[int]] = {}
    for event, place in zip(table.others, table.other_places.tolist(), strict=True):
        if isinstance(event, _ONLY_NEWEST):
            places.setdefault(kind_of(event), []).append(place)
    found = {kind: np.sort(now[of_kind]) for kind, of_kind in places.items()}
    logs = table.step_logs
    by_lane = {(StepsTrained, lane): np.sort(now[logs.places[logs.of(lane)]]) for lane in logs.names}
    return {**found, **{kind: indices for kind, indices in by_lane.items() if len(indices)}}


def _single(values: Floats) -> NDArray[np.float32]:
    """The values as float32. Finite values stay finite."""
    largest = np.finfo(np.float32).max
    return np.where(np.isfinite(values), np.clip(values, -largest, largest), values).astype("<f4")


def _times(table: EventTable, order: Integers) -> Floats:
    """When each event is due, in seconds without long gaps."""
    # A log of steps has no time of its own: it is due with the events before it.
    seconds = np.zeros(len(table))
    seconds[table.evaluations.places] = table.evaluations.seconds
    seconds[table.other_places] = [getattr(event, "seconds", 0.0) for event in table.others]
    # An impossible time counts as none: the event is due with those before it.
    seconds[~((seconds >= 0) & (seconds <= _LONGEST_RUN))] = 0.0
    return np.cumsum(np.minimum(np.diff(np.maximum.accumulate(seconds[order]), prepend=0.0), LONGEST_GAP))
