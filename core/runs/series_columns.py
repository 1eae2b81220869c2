"""The series of a recording in columns, from which a replay sends many values in one event when it seeks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..stream.events import (
    Diagnosed,
    Event,
    HistogramsEarlier,
    LanesCompared,
    ResourcesMeasured,
    RunStarted,
    SeriesEarlier,
    StepsTrained,
)
from ..stream.series import are_given, compared_values, diagnosed_values
from .event_table import EventTable, Integers
from .lane_steps import LaneSteps, lane_steps

# Beyond this many values of one series in one seek, only the extremes of blocks of steps are sent, as charts draw them.
MOST_VALUES = 1_000_000


@dataclass(frozen=True, eq=False)
class SeriesColumn:
    """A series of a lane: for each value its step and the `index` of its event on the timeline, both ascending.

    `values` are float32 numbers, or for the histograms rows of counts as in `HistogramsEarlier`.
    """

    lane: str
    series: str
    indices: Integers
    steps: Integers
    values: NDArray[Any]

    def at_once(self, start: int, end: int) -> Iterator[Event]:
        """The values of the timeline's events from `start` to below `end`, one event for each evenly spaced stretch."""
        first, last = np.searchsorted(self.indices, (start, end)).tolist()
        steps, values = self.steps[first:last], self.values[first:last]
        if self.series == HISTOGRAMS:
            for begin, stop, stride in even_stretches(steps, 0, len(steps)):
                counts = values[begin:stop].astype("<u4").tobytes()
                yield HistogramsEarlier(lane=self.lane, step=int(steps[begin]), stride=stride, counts=counts)
            return
        steps, values = thinned(steps, values)
        for begin, stop, stride in even_stretches(steps, 0, len(steps)):
            part = values[begin:stop].astype("<f4").tobytes()
            yield SeriesEarlier(lane=self.lane, step=int(steps[begin]), series=self.series, stride=stride, values=part)


# The name of the column of histograms, which no series has.
HISTOGRAMS = ""


def even_stretches(steps: Integers, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Divide the indices from `start` to below `end` into (first, beyond, stride) of evenly spaced steps."""
    if start == end:
        return
    strides = np.diff(steps[start:end])
    turns = np.flatnonzero(strides[1:] != strides[:-1]) + 2
    for first, beyond in pairwise([start, *(turns + start).tolist(), end]):
        if first < beyond:
            yield first, beyond, int(steps[first + 1] - steps[first]) if beyond - first > 1 else 1


def thinned(steps: Integers, values: NDArray[np.float32]) -> tuple[Integers, NDArray[np.float32]]:
    """At most about MOST_VALUES values: the smallest and the largest of each block of steps, and no NaN is lost."""
    if len(steps) <= MOST_VALUES:
        return steps, values
    size = 2 * -(-len(steps) // MOST_VALUES)
    whole = len(steps) // size * size
    blocks = values[:whole].reshape(-1, size)
    finite = np.isfinite(blocks)
    low = np.where(finite, blocks, np.inf).min(axis=1)
    high = np.where(finite, blocks, -np.inf).max(axis=1)
    # Where a value is not finite, it takes the place of the largest.
    broken = ~finite.all(axis=1)
    high[broken] = blocks[broken, (~finite[broken]).argmax(axis=1)]
    low[~finite.any(axis=1)] = np.nan
    at = steps[:whole].reshape(-1, size)[:, [0, size // 2]].ravel()
    pairs = np.stack([low, high], axis=1).ravel()
    return np.append(at, steps[whole:]), np.append(pairs, values[whole:]).astype(np.float32)


def kind_of(event: Diagnosed | LanesCompared | ResourcesMeasured) -> object:
    """Events of the same kind, of which a seek sends only the newest: measurements of a lane, comparisons of two."""
    match event:
        case Diagnosed(lane=lane):
            return Diagnosed, lane
        case LanesCompared(lanes=lanes):
            return LanesCompared, lanes
        case ResourcesMeasured():
            return ResourcesMeasured


def series_columns(table: EventTable, now: Integers) -> dict[object, list[SeriesColumn]]:
    """All series of a recording by `kind_of` their events. `now` is the index of each event on the timeline."""
    logs = table.step_logs
    columns: dict[object, list[SeriesColumn]] = {}
    for lane in logs.names:
        if len((steps := lane_steps(logs, lane)).steps):
            columns[StepsTrained, lane] = list(_logged(steps, lane, now, watched=_is_watched(table)))
    by_kind: dict[object, list[tuple[int, Diagnosed | LanesCompared]]] = {}
    for event, place in zip(table.others, table.other_places.tolist(), strict=True):
        if isinstance(event, Diagnosed | LanesCompared):
            by_kind.setdefault(kind_of(event), []).append((int(now[place]), event))
    for kind, events in by_kind.items():
        columns[kind] = list(_measured(sorted(events, key=lambda pair: pair[0])))
    if _is_watched(table):
        for lane in logs.names:
            measured = columns.get((Diagnosed, lane), [])
            columns[Diagnosed, lane] = [*measured, *_steps_clipped(measured, lane_steps(logs, lane))]
    return columns


def _is_watched(table: EventTable) -> bool:
    return any(isinstance(event, RunStarted) and event.watched for event in table.others[:1])


def _steps_clipped(measured: Sequence[SeriesColumn], steps: LaneSteps) -> Iterator[SeriesColumn]:
    """The share of steps clipped at each measurement of a watched loop, where evaluations may be rare or missing."""
    for column in measured:
        if column.series == HISTOGRAMS:
            shares = steps.shares_clipped(column.steps)
            known = ~np.isnan(shares)
            # It is sent before the measurement, which would make it of those steps alone that a seek sends.
            yield SeriesColumn(
                column.lane, "steps-clipped", column.indices[known] - 1, column.steps[known], shares[known]
            )


def _logged(steps: LaneSteps, lane: str, now: Integers, *, watched: bool) -> Iterator[SeriesColumn]:
    """The series of a lane's logged steps. The share of steps clipped has one value for each event."""
    indices = now[steps.places]
    for name, values in steps.series.items():
        given = are_given(values, steps.norms)
        yield SeriesColumn(lane, name, indices[given], steps.steps[given], values[given])
    if watched:
        return
    last = np.append(indices[1:] != indices[:-1], True)
    ends = steps.steps[last]
    yield SeriesColumn(lane, "steps-clipped", indices[last], ends, steps.shares_clipped(ends))


def _measured(events: Iterable[tuple[int, Diagnosed | LanesCompared]]) -> Iterator[SeriesColumn]:
    """The series of measurements with their indices, all of one lane or one pair of lanes."""
    found: dict[str, list[tuple[int, int, float]]] = {}
    counts: list[tuple[int, ...]] = []
    places: list[tuple[int, int]] = []
    lane, newest = "", -1
    for index, event in events:
        if event.step <= newest:
            continue
        newest = event.step
        lane = event.lane if isinstance(event, Diagnosed) else event.lanes[1]
        values = diagnosed_values(event) if isinstance(event, Diagnosed) else compared_values(event)
        for name, value in values.items():
            found.setdefault(name, []).append((index, event.step, value))
        if isinstance(event, Diagnosed):
            counts.append((event.total.histogram.zero, *event.total.histogram.counts))
            places.append((index, event.step))
    for name, points in found.items():
        indices, steps, values = zip(*points, strict=True)
        # A damaged value may be too large for the type, and becomes infinite.
        with np.errstate(over="ignore"):
            column = np.array(values, np.float32)
        yield SeriesColumn(lane, name, np.array(indices), np.array(steps), column)
    if counts:
        indices, steps = zip(*places, strict=True)
        yield SeriesColumn(lane, HISTOGRAMS, np.array(indices), np.array(steps), np.array(counts, np.uint32))
