"""A recording in the order it is shown in: when each event is due, and what is to be told of all before a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .events import Diagnosed, Evaluated, EvaluatedEarlier, Event, LaneEvent, LanesCompared, LaneStarted

# Seconds that are waited for at most: a pause of whoever recorded the run is none of the viewer's.
LONGEST_GAP = 1.0
# The evaluations of a lane that are told one by one after a seek.
TOLD_SINGLY = 1000
# Of these only the newest is shown.
_ONLY_NEWEST = (Diagnosed, LanesCompared)

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Timeline:
    """Events with the lanes side by side, however far one was ahead when they were recorded.

    `times` are the seconds at which they are due, without long gaps; `last_step` is the last that any event tells of.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        steps = np.array([event.step if isinstance(event, LaneEvent) else -1 for event in events], np.int64)
        self.last_step = int(max(0, steps.max(initial=0)))
        # What is no lane's stays behind what it was told after.
        places = np.where(steps < 0, np.maximum.accumulate(steps), steps) if len(steps) else steps
        if (places[1:] < places[:-1]).any():
            order = np.argsort(places, kind="stable")
            events, places = [events[i] for i in order.tolist()], places[order]
        self.events, self._places = events, places
        self.times = _times(events)
        evaluated = np.array([type(event) is Evaluated for event in events], np.bool_)
        diagnosed = np.array([type(event) in _ONLY_NEWEST for event in events], np.bool_)
        self._others = np.flatnonzero(~evaluated & ~diagnosed)
        lanes = _by_lane(events, np.flatnonzero(evaluated).tolist())
        self._diagnosed = _by_whom(events, np.flatnonzero(diagnosed).tolist())
        self._series = {lane: _Series(events, np.array(indices)) for lane, indices in lanes.items()}

    @property
    def lanes(self) -> list[str]:
        """The names of the lanes, as they were started."""
        started = (
            event.lane for event in (self.events[i] for i in self._others.tolist()) if isinstance(event, LaneStarted)
        )
        return list(dict.fromkeys((*started, *self._series)))

    def after(self, step: int) -> int:
        """How many events there are up to this boundary."""
        return int(np.searchsorted(self._places, step, "right"))

    def told(self, start: int, end: int) -> Iterator[Event]:
        """What there is to know of the events from `start` to below `end`; all but the newest evaluations at once,
        and of measurements the newest alone."""
        earlier: dict[int, list[EvaluatedEarlier]] = {}
        shown = [self._others[(self._others >= start) & (self._others < end)]]
        shown += [indices[(indices >= start) & (indices < end)][-1:] for indices in self._diagnosed.values()]
        for lane, series in self._series.items():
            begin, last = np.searchsorted(series.indices, (start, end)).tolist()
            first = max(begin, last - TOLD_SINGLY)
            shown.append(series.indices[first:last])
            if first > begin:
                earlier[int(series.indices[first])] = list(series.at_once(lane, begin, first))
        for index in np.sort(np.concatenate(shown)).tolist():
            yield from earlier.get(index, ())
            yield self.events[index]


class _Series:
    """One lane's evaluations in columns; a step that was told twice counts once."""

    def __init__(self, events: Sequence[Event], indices: Integers) -> None:
        told = [events[i] for i in indices.tolist()]
        self.steps = _column(told, "step", np.int64)
        newest = np.maximum.accumulate(self.steps)
        growing = np.ones(len(told), np.bool_)
        growing[1:] = self.steps[1:] > newest[:-1]
        self.indices, self.steps = indices[growing], self.steps[growing]
        self._losses, self._accuracies = (_single(_column(told, name)[growing]) for name in ("loss", "accuracy"))

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


def _by_lane(events: Sequence[Event], indices: Iterable[int]) -> dict[str, list[int]]:
    lanes: dict[str, list[int]] = {}
    for index in indices:
        event = events[index]
        assert isinstance(event, Evaluated)
        lanes.setdefault(event.lane, []).append(index)
    return lanes


def _by_whom(events: Sequence[Event], indices: Iterable[int]) -> dict[object, Integers]:
    """The places of what is told of a lane, or of two."""
    places: dict[object, list[int]] = {}
    for index in indices:
        match events[index]:
            case Diagnosed(lane=lane):
                places.setdefault(lane, []).append(index)
            case LanesCompared(lanes=lanes):
                places.setdefault(lanes, []).append(index)
            case _:
                pass
    return {whom: np.array(found) for whom, found in places.items()}


def _column(events: Sequence[Event], name: str, kind: type = np.float64) -> NDArray[Any]:
    return np.fromiter(map(attrgetter(name), events), kind, len(events))


def _single(values: Floats) -> NDArray[np.float32]:
    """As single precision; what is finite stays so."""
    largest = np.finfo(np.float32).max
    return np.where(np.isfinite(values), np.clip(values, -largest, largest), values).astype("<f4")


def _times(events: Sequence[Event]) -> Floats:
    """When each event is due, in seconds of the recording without its long gaps."""
    told = np.array([getattr(event, "seconds", 0.0) for event in events], np.float64)
    return np.cumsum(np.minimum(np.diff(np.maximum.accumulate(told), prepend=0.0), LONGEST_GAP))
