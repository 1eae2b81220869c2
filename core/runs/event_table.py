"""The events of a run as a table: evaluations, of which there may be a million, in columns, and the rest as a list."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..stream.events import Evaluated, Event

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
_FIELDS = (("step", np.int64), ("loss", np.float64), ("accuracy", np.float64))
_FIELDS += (("train_loss", np.float64), ("seconds", np.float64))


@dataclass(frozen=True, eq=False)
class Evaluations:
    """Evaluations in columns. `places`: their indices among all events. `lanes`: indices into `names`."""

    names: tuple[str, ...]
    places: Integers
    lanes: Integers
    steps: Integers
    losses: Floats
    accuracies: Floats
    train_losses: Floats
    seconds: Floats

    def __getitem__(self, row: int) -> Evaluated:
        return Evaluated(
            lane=self.names[self.lanes[row]],
            step=self.steps.item(row),
            loss=self.losses.item(row),
            accuracy=self.accuracies.item(row),
            train_loss=self.train_losses.item(row),
            seconds=self.seconds.item(row),
        )

    def of(self, lane: str) -> Integers:
        """The row numbers of one lane."""
        return np.flatnonzero(self.lanes == self.names.index(lane)) if lane in self.names else np.array([], np.int64)

    def all(self) -> list[Evaluated]:
        """Every evaluation. Much faster than one by one."""
        lanes = [self.names[lane] for lane in self.lanes.tolist()]
        columns = (self.steps, self.losses, self.accuracies, self.train_losses, self.seconds)
        return [
            Evaluated(lane=lane, step=step, loss=loss, accuracy=accuracy, train_loss=train_loss, seconds=seconds)
            for lane, step, loss, accuracy, train_loss, seconds in zip(
                lanes, *(column.tolist() for column in columns), strict=True
            )
        ]


@dataclass(frozen=True, eq=False)
class EventTable:
    """Events in order: the evaluations, and the `others` at the indices `other_places`."""

    others: tuple[Event, ...]
    other_places: Integers
    evaluations: Evaluations

    @classmethod
    def of(cls, events: Iterable[Event]) -> EventTable:
        """A table of these events."""
        rows = EventRows()
        rows.add(list(events))
        return rows.table()

    def __len__(self) -> int:
        return len(self.others) + len(self.evaluations.places)

    def all(self) -> list[Event]:
        """Every event, in order."""
        events = np.empty(len(self), object)
        events[self.evaluations.places] = self.evaluations.all()
        events[self.other_places] = self.others
        return events.tolist()

    def after(self, first: Event) -> EventTable:
        """A table with `first` before these events."""
        evaluations = replace(self.evaluations, places=self.evaluations.places + 1)
        return EventTable((first, *self.others), np.append(0, self.other_places + 1), evaluations)


class EventRows:
    """Collects events and makes a table of them."""

    def __init__(self) -> None:
        self._length = 0
        self._others: list[Event] = []
        self._other_places = array("q")
        self._names: dict[str, int] = {}
        self._columns: list[list[NDArray[Any]]] = []
        self.add(())

    def add(self, events: Sequence[Event]) -> None:
        """Add events."""
        evaluated = [event for event in events if type(event) is Evaluated]
        places = np.arange(self._length, self._length + len(events))
        if len(evaluated) < len(events):
            is_evaluated = np.fromiter((type(event) is Evaluated for event in events), np.bool_, len(events))
            self._others += [event for event in events if type(event) is not Evaluated]
            self._other_places.extend(places[~is_evaluated].tolist())
            places = places[is_evaluated]
        self._length += len(events)
        lanes = [event.lane for event in evaluated]
        for name in dict.fromkeys(lanes):
            self._names.setdefault(name, len(self._names))
        columns = [np.fromiter(map(attrgetter(name), evaluated), kind, len(evaluated)) for name, kind in _FIELDS]
        self._columns.append([places, np.fromiter(map(self._names.__getitem__, lanes), np.int64, len(lanes)), *columns])

    def table(self) -> EventTable:
        """A table of all events added."""
        columns = [np.concatenate(parts) for parts in zip(*self._columns, strict=True)]
        places = np.array(self._other_places, np.int64)
        return EventTable(tuple(self._others), places, Evaluations(tuple(self._names), *columns))
