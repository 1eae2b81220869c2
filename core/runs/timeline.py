"""A recording in the order it is shown in: when each event is due, and what is to be told of all before a step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..stream.events import Diagnosed, EvaluatedEarlier, Event, LaneEvent, LanesCompared, LaneStarted
from .event_table import EventTable, Floats, Integers

# Seconds that are waited for at most: a pause of whoever recorded the run is none of the viewer's.
LONGEST_GAP = 1.0
# Seconds that a recording can have taken: a century.
_LONGEST_RUN = 3.2e9
# The evaluations of a lane that are told one by one after a seek: more than a pane shows at once.
TOLD_SINGLY = 100
# Of these only the newest is shown.
_ONLY_NEWEST = (Diagnosed, LanesCompared)


class Timeline:
    """Events with the lanes side by side, however far one was ahead when they were recorded.

    `times` are the seconds at which they are due, without long gaps; `last_step` is the last that any event tells of.
    """

    def __init__(self, table: EventTable) -> None:
        evaluations = table.evaluations
        steps = np.full(len(table), -1)
        steps[evaluations.places] = evaluations.steps
        steps[table.other_places] = [event.step if isinstance(event, LaneEvent) else -1 for event in table.others]
        self.last_step = int(max(0, steps.max(initial=0)))
        # What is no lane's stays behind what it was told after.
        places = np.where(steps < 0, np.maximum.accumulate(steps), steps) if len(steps) else steps
        order = np.argsort(places, kind="stable")
        self._places = places[order]
        self.times = _times(table, order)
        # Where each event of the table has come to, and what is there: a row of the table, or below 0 another event.
        now = np.empty(len(table), np.int64)
        now[order] = np.arange(len(table))
        self._evaluations, self._others = evaluations, table.others
        self._at = np.empty(len(table), np.int64)
        self._at[now[evaluations.places]] = np.arange(len(evaluations.places))
        self._at[now[table.other_places]] = ~np.arange(len(table.others))
        newest = np.array([isinstance(event, _ONLY_NEWEST) for event in table.others], np.bool_)
        self._singly = np.sort(now[table.other_places[~newest]])
        self._diagnosed = _by_whom(table, now)
        rows = {lane: evaluations.of(lane) for lane in evaluations.names}
        self._series = {lane: _Series(table, of_lane, now) for lane, of_lane in rows.items()}

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, index: int) -> Event:
        at = self._at.item(index)
        return self._evaluations[at] if at >= 0 else self._others[~at]

    @property
    def lanes(self) -> list[str]:
        """The names of the lanes, as they were started."""
        started = (event.lane for event in map(self.__getitem__, self._singly) if isinstance(event, LaneStarted))
        return list(dict.fromkeys((*started, *self._series)))

    def after(self, step: int) -> int:
        """How many events there are up to this boundary."""
        return int(np.searchsorted(self._places, step, "right"))

    def told(self, start: int, end: int) -> Iterator[Event]:
        """What there is to know of the events from `start` to below `end`; all but the newest evaluations at once,
        and of measurements the newest alone."""
        earlier: dict[int, list[EvaluatedEarlier]] = {}
        shown = [self._singly[(self._singly >= start) & (self._singly < end)]]
        shown += [indices[(indices >= start) & (indices < end)][-1:] for indices in self._diagnosed.values()]
        for lane, series in self._series.items():
            begin, last = np.searchsorted(series.indices, (start, end)).tolist()
            first = max(begin, last - TOLD_SINGLY)
            shown.append(series.indices[first:last])
            if first > begin:
                earlier[int(series.indices[first])] = list(series.at_once(lane, begin, first))
        for index in np.sort(np.concatenate(shown)).tolist():
            yield from earlier.get(index, ())
            yield self[index]


class _Series:
    """One lane's evaluations in columns; a step that was told twice counts once."""

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

    def at_once(self, lane: str, start: int, end: int) -> Iterator[EvaluatedEarlier]:
        """The evaluations from `start` to below `end`, evenly spaced ones in one event."""
        strides = np.diff(self.steps[start:end])
        turns = np.flatnonzero(strides[1:] != strides[:-1]) + 2
        for first, last in pairwise([start, *(turns + start).tolist(), end]):
            yield EvaluatedEarlier(
                lane=lane,
                step=int(self.steps[first]),
                stride=int(self.steps[first + 1] - self.steps[first]) if last - first > 1 else 1,
                losses=self._losses[first:last].tobytes(),
                accuracies=self._accuracies[first:last].tobytes(),
            )


def _by_whom(table: EventTable, now: Integers) -> dict[object, Integers]:
    """Where there is something told of a lane, or of two, of which the newest is shown."""
    places: dict[object, list[int]] = {}
    for event, place in zip(table.others, table.other_places.tolist(), strict=True):
        match event:
            case Diagnosed(lane=lane):
                places.setdefault(lane, []).append(place)
            case LanesCompared(lanes=lanes):
                places.setdefault(lanes, []).append(place)
            case _:
                pass
    return {whom: np.sort(now[found]) for whom, found in places.items()}


def _single(values: Floats) -> NDArray[np.float32]:
    """As single precision; what is finite stays so."""
    largest = np.finfo(np.float32).max
    return np.where(np.isfinite(values), np.clip(values, -largest, largest), values).astype("<f4")


def _times(table: EventTable, order: Integers) -> Floats:
    """When each event is due, in seconds of the recording without its long gaps."""
    told = np.empty(len(table))
    told[table.evaluations.places] = table.evaluations.seconds
    told[table.other_places] = [getattr(event, "seconds", 0.0) for event in table.others]
    # A time that no clock shows counts as none: the event is due with those before it.
    told[~((told >= 0) & (told <= _LONGEST_RUN))] = 0.0
    return np.cumsum(np.minimum(np.diff(np.maximum.accumulate(told[order]), prepend=0.0), LONGEST_GAP))
