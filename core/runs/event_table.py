"""The events of a run as a table: those of which there may be a million in columns, and the rest as a list."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..stream.events import Evaluated, Event, LaneEvent, StepsTrained

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
_FIELDS = (("step", np.int64), ("loss", np.float64), ("train_loss", np.float64), ("seconds", np.float64))
_NO_METRICS: dict[str, float] = {}
_NO_STEP_METRICS: dict[str, bytes] = {}
_LOGGED = ("losses", "norms", "clipped_norms", "clipped")
# The types of events that have columns of their own. All other types count as 0.
_COLUMNS = {Evaluated: 1, StepsTrained: 2}


@dataclass(frozen=True, eq=False)
class Evaluations:
    """Evaluations in columns. `places`: their indices among all events. `lanes`: indices into `names`.

    `accuracies` are NaN where the experiment counts no correct predictions. `metrics` are the other figures by name.
    """

    names: tuple[str, ...]
    places: Integers
    lanes: Integers
    steps: Integers
    losses: Floats
    train_losses: Floats
    seconds: Floats
    accuracies: Floats
    metrics: NDArray[np.object_]

    def __getitem__(self, row: int) -> Evaluated:
        return Evaluated(
            lane=self.names[self.lanes[row]],
            step=self.steps.item(row),
            loss=self.losses.item(row),
            accuracy=_defined(self.accuracies.item(row)),
            train_loss=self.train_losses.item(row),
            seconds=self.seconds.item(row),
            metrics=self.metrics.item(row),
        )

    def of(self, lane: str) -> Integers:
        """The row numbers of one lane."""
        return np.flatnonzero(self.lanes == self.names.index(lane)) if lane in self.names else np.array([], np.int64)

    def all(self) -> list[Evaluated]:
        """Every evaluation. Much faster than one by one."""
        lanes = [self.names[lane] for lane in self.lanes.tolist()]
        columns = (self.steps, self.losses, self.train_losses, self.seconds, self.metrics)
        accuracies = map(_defined, self.accuracies.tolist())
        rows = zip(lanes, accuracies, *(column.tolist() for column in columns), strict=True)
        return [
            Evaluated(
                lane=lane,
                step=step,
                loss=loss,
                accuracy=accuracy,
                train_loss=train_loss,
                seconds=seconds,
                metrics=metrics,
            )
            for lane, accuracy, step, loss, train_loss, seconds, metrics in rows
        ]

    def values(self, series: str) -> Floats:
        """The values of `loss`, `accuracy` or another metric; NaN where there is none."""
        match series:
            case "loss":
                return self.losses
            case "accuracy":
                return self.accuracies
            case _:
                return np.array([metrics.get(series, math.nan) for metrics in self.metrics], np.float64)

    @property
    def metric_names(self) -> list[str]:
        """The names of the metrics other than the accuracy."""
        return list(dict.fromkeys(name for metrics in self.metrics if metrics for name in metrics))


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value


@dataclass(frozen=True, eq=False)
class StepLogs:
    """The `StepsTrained` events in columns. `places`: their indices among all events. `lanes`: indices into `names`.

    Event k has the values from `ends[k - 1]` to below `ends[k]` of the other columns; the last is that of `steps[k]`.
    `metrics` are those of the events by series.
    """

    names: tuple[str, ...]
    places: Integers
    lanes: Integers
    steps: Integers
    ends: Integers
    losses: NDArray[np.float32]
    norms: NDArray[np.float32]
    clipped_norms: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    metrics: NDArray[np.object_]

    def __getitem__(self, row: int) -> StepsTrained:
        part = slice(self.ends.item(row - 1) if row else 0, self.ends.item(row))
        return StepsTrained(
            lane=self.names[self.lanes[row]],
            step=self.steps.item(row),
            losses=self.losses[part].tobytes(),
            norms=self.norms[part].tobytes(),
            clipped_norms=self.clipped_norms[part].tobytes(),
            clipped=self.clipped[part].tobytes(),
            metrics=self.metrics.item(row),
        )

    def of(self, lane: str) -> Integers:
        """The row numbers of one lane."""
        return np.flatnonzero(self.lanes == self.names.index(lane)) if lane in self.names else np.array([], np.int64)

    def all(self) -> list[StepsTrained]:
        """Every event."""
        return [self[row] for row in range(len(self.places))]


@dataclass(frozen=True, eq=False)
class EventTable:
    """Events in order: evaluations, logs of steps, and the `others` at the indices `other_places`."""

    others: tuple[Event, ...]
    other_places: Integers
    evaluations: Evaluations
    step_logs: StepLogs

    @classmethod
    def of(cls, events: Iterable[Event]) -> EventTable:
        """A table of these events."""
        rows = EventRows()
        rows.add(list(events))
        return rows.table()

    def __len__(self) -> int:
        return len(self.others) + len(self.evaluations.places) + len(self.step_logs.places)

    def all(self) -> list[Event]:
        """Every event, in order."""
        events = np.empty(len(self), object)
        events[self.evaluations.places] = self.evaluations.all()
        events[self.step_logs.places] = self.step_logs.all()
        events[self.other_places] = self.others
        return events.tolist()

    def after(self, first: Event) -> EventTable:
        """A table with `first` before these events."""
        evaluations = replace(self.evaluations, places=self.evaluations.places + 1)
        step_logs = replace(self.step_logs, places=self.step_logs.places + 1)
        return EventTable((first, *self.others), np.append(0, self.other_places + 1), evaluations, step_logs)


class EventRows:
    """Collects events and makes a table of them."""

    def __init__(self) -> None:
        self._length = 0
        self._others: list[Event] = []
        self._other_places = array("q")
        self._names: dict[str, int] = {}
        self._columns: list[list[NDArray[Any]]] = []
        self._log_columns: list[list[NDArray[Any]]] = []
        self._log_values = {name: bytearray() for name in _LOGGED}
        self.add(())

    def add(self, events: Sequence[Event]) -> None:
        """Add events."""
        places = np.arange(self._length, self._length + len(events))
        self._length += len(events)
        kinds = np.fromiter((_COLUMNS.get(type(event), 0) for event in events), np.int8, len(events))
        others = np.flatnonzero(kinds == 0)
        self._others += [events[at] for at in others.tolist()]
        self._other_places.extend(places[others].tolist())
        self._add_evaluations(places[kinds == 1], [event for event in events if type(event) is Evaluated])
        self._add_step_logs(places[kinds == 2], [event for event in events if type(event) is StepsTrained])

    def _add_evaluations(self, places: Integers, events: list[Evaluated]) -> None:
        columns = [np.fromiter(map(attrgetter(name), events), kind, len(events)) for name, kind in _FIELDS]
        accuracies = (math.nan if event.accuracy is None else event.accuracy for event in events)
        columns.append(np.fromiter(accuracies, np.float64, len(events)))
        # Shared, so that the evaluations of most experiments take no memory for it.
        metrics = np.fromiter((event.metrics or _NO_METRICS for event in events), np.object_, len(events))
        self._columns.append([places, self._lanes(events), *columns, metrics])

    def _add_step_logs(self, places: Integers, events: list[StepsTrained]) -> None:
        steps = np.fromiter((event.step for event in events), np.int64, len(events))
        counts = np.fromiter((len(event.clipped) for event in events), np.int64, len(events))
        metrics = np.fromiter((event.metrics or _NO_STEP_METRICS for event in events), np.object_, len(events))
        self._log_columns.append([places, self._lanes(events), steps, counts, metrics])
        for name, values in self._log_values.items():
            values += b"".join(map(attrgetter(name), events))

    def _lanes(self, events: Sequence[LaneEvent]) -> Integers:
        """The numbers of the events' lanes."""
        lanes = [event.lane for event in events]
        for name in dict.fromkeys(lanes):
            self._names.setdefault(name, len(self._names))
        return np.fromiter(map(self._names.__getitem__, lanes), np.int64, len(lanes))

    def table(self) -> EventTable:
        """A table of all events added."""
        names = tuple(self._names)
        columns = [np.concatenate(parts) for parts in zip(*self._columns, strict=True)]
        logs = (np.concatenate(parts) for parts in zip(*self._log_columns, strict=True))
        places, lanes, steps, counts, metrics = logs
        losses, norms, clipped_norms = (np.frombuffer(bytes(self._log_values[name]), "<f4") for name in _LOGGED[:-1])
        clipped = np.frombuffer(bytes(self._log_values["clipped"]), np.bool_)
        return EventTable(
            tuple(self._others),
            np.array(self._other_places, np.int64),
            Evaluations(names, *columns),
            StepLogs(names, places, lanes, steps, np.cumsum(counts), losses, norms, clipped_norms, clipped, metrics),
        )
