"""Repairs a recording whose intact lines are misplaced, doubled, foreign, or lack a lane's start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..stream.events import (
    Attached,
    Evaluated,
    EvaluatedEarlier,
    Event,
    HistogramsEarlier,
    LaneEvent,
    LaneForked,
    LanesCompared,
    LaneStarted,
    ReplayStarted,
    RunStarted,
    SeekFinished,
    SeriesEarlier,
)
from .event_table import EventTable

# Events that only a replay or a follower sends.
_NEVER_RECORDED = Attached | EvaluatedEarlier | SeriesEarlier | HistogramsEarlier | ReplayStarted | SeekFinished


def coherent(table: EventTable) -> tuple[EventTable, list[str]]:
    """The events of one run, `RunStarted` first and each lane's start before its other events.

    Also returns a message for each kind of repair. `table` must hold a `RunStarted`.
    """
    if _is_coherent(table):
        return table, []
    repair = _Repair(table)
    return EventTable.of(repair.events()), repair.messages()


def _is_coherent(table: EventTable) -> bool:
    first, *others = table.others
    if not isinstance(first, RunStarted) or table.other_places[0] != 0:
        return False
    if any(isinstance(event, RunStarted | _NEVER_RECORDED) for event in others):
        return False
    begun: dict[str, int] = {}
    for event, place in zip(table.others, table.other_places.tolist(), strict=True):
        if isinstance(event, LaneStarted):
            begun.setdefault(event.lane, place)
        elif isinstance(event, LaneForked):
            if event.parent not in begun or event.lane in begun:
                return False
            begun[event.lane] = place
        elif any(lane not in begun for lane in _lanes(event)):
            return False
    if not begun.keys() <= _names(table, first) or not _logs_follow_starts(table, begun):
        return False
    return all(_is_in_order(table, lane, begun) for lane in table.evaluations.names)


def _logs_follow_starts(table: EventTable, begun: dict[str, int]) -> bool:
    """Whether every step log is of a lane that has started."""
    logs = table.step_logs
    starts = np.array([begun.get(name, len(table)) for name in logs.names], np.int64)
    return bool((logs.places > starts[logs.lanes]).all()) if len(logs.places) else True


def _is_in_order(table: EventTable, lane: str, begun: dict[str, int]) -> bool:
    """Whether a lane's evaluations follow its start and no step occurs twice."""
    rows = table.evaluations.of(lane)
    if not len(rows) or lane not in begun:
        return not len(rows)
    steps = table.evaluations.steps[rows]
    after_start = int(table.evaluations.places[rows[0]]) > begun[lane]
    return after_start and (bool((np.diff(steps) > 0).all()) or len(np.unique(steps)) == len(steps))


def _names(table: EventTable, started: RunStarted) -> set[str]:
    """The run's lanes, forks included. In a watched run, lanes that the settings do not name may begin later."""
    others = (event.lane for event in table.others if isinstance(event, LaneStarted) and started.watched)
    return {*(lane.name for lane in started.config.lanes), *_forks(table, started), *others}


def _forks(table: EventTable, started: RunStarted) -> dict[str, LaneForked]:
    """The forked lanes, as far as they descend from lanes of the settings."""
    configured = {lane.name for lane in started.config.lanes}
    found = dict[str, LaneForked]()
    for event in table.others:
        if isinstance(event, LaneForked) and event.lane not in configured:
            found.setdefault(event.lane, event)
    return {lane: event for lane, event in found.items() if _descends(lane, configured, found)}


def _descends(lane: str, configured: set[str], forks: Mapping[str, LaneForked]) -> bool:
    """Whether a lane was forked from one of the settings, or from a fork of one, and so on."""
    seen = set[str]()
    while lane in forks and lane not in seen:
        seen.add(lane)
        lane = forks[lane].parent
    return lane in configured


def _lanes(event: Event) -> tuple[str, ...]:
    """The lanes that an event is about."""
    if isinstance(event, LaneEvent):
        return (event.lane,)
    return event.lanes if isinstance(event, LanesCompared) else ()


class _Repair:
    """Puts the events in order and counts what it changes."""

    def __init__(self, table: EventTable) -> None:
        self._events = table.all()
        self._started = next(event for event in table.others if isinstance(event, RunStarted))
        self._names, self._forks = _names(table, self._started), _forks(table, self._started)
        self._moved = self._foreign = self._doubled = 0
        self._begun: list[str] = []
        self._brought_forward: list[Event] = []

    def events(self) -> Iterator[Event]:
        yield self._started
        self._moved += self._events[0] is not self._started
        seen: set[tuple[str, int]] = set()
        begun: set[str] = set()
        for event in self._own():
            for lane in _lanes(event):
                yield from self._begin(lane, event, begun)
            if isinstance(event, Evaluated):
                if (event.lane, event.step) in seen:
                    self._doubled += 1
                    continue
                seen.add((event.lane, event.step))
            yield event

    def _begin(self, lane: str, event: Event, begun: set[str]) -> Iterator[Event]:
        """What must come before the first event of a lane: its start, and that of the lane it was forked from."""
        if lane in begun:
            return
        begun.add(lane)
        start = self._forks.get(lane) or (event if isinstance(event, LaneStarted) else self._start_of(lane))
        if isinstance(start, LaneForked):
            yield from self._begin(start.parent, start, begun)
        if start is not event:
            self._brought_forward.append(start)
            self._begun.append(lane)
            yield start

    def _own(self) -> Iterator[Event]:
        for event in self._events:
            if event is self._started or any(event is known for known in self._brought_forward):
                continue
            is_foreign = isinstance(event, RunStarted | _NEVER_RECORDED) or not self._names.issuperset(_lanes(event))
            if is_foreign or (isinstance(event, LaneForked) and event is not self._forks.get(event.lane)):
                self._foreign += 1
            else:
                yield event

    def _start_of(self, lane: str) -> LaneStarted:
        """The lane's start as recorded further on, else by the settings."""
        config = self._started.config
        for event in self._events:
            # A watched loop may have been continued from a checkpoint of its own.
            if isinstance(event, LaneStarted) and event.lane == lane and (event.step == 0 or self._started.watched):
                return event
        rule = next(known.rule for known in config.lanes if known.name == lane)
        return LaneStarted(lane=lane, step=0, rule=rule, iterations=config.iterations, parameters=0, seconds=0.0)

    def messages(self) -> list[str]:
        """What was changed. Complete once `events` is exhausted."""
        counts = {
            "the run's start is not in the first line": self._moved,
            f"events of another run or an unknown lane, left out: {self._foreign}": self._foreign,
            f"evaluations recorded twice, counted once: {self._doubled}": self._doubled,
            f"the start of {', '.join(self._begun)} is missing or misplaced": len(self._begun),
        }
        return [text for text, count in counts.items() if count]
