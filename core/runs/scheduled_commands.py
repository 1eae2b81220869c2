"""The commands of a recorded run that were scheduled for a step that it did not reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from ..stream.commands import (
    Extend,
    Fork,
    LaneCommand,
    Pause,
    ResetMoments,
    Resume,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
    Stop,
)
from ..stream.events import (
    ClipChanged,
    CommandScheduled,
    LaneEvent,
    LaneExtended,
    LaneFinished,
    LaneForked,
    LanePaused,
    LaneResumed,
    LaneStepped,
    LearningRateChanged,
    MomentsReset,
    PaceChanged,
)
from .event_table import EventTable, Integers
from .reader import Recorded

_ANSWERS: dict[type[LaneCommand], type[LaneEvent]] = {
    SetClip: ClipChanged,
    SetLearningRate: LearningRateChanged,
    ResetMoments: MomentsReset,
    Pause: LanePaused,
    Resume: LaneResumed,
    StepOnce: LaneStepped,
    SetPace: PaceChanged,
    Extend: LaneExtended,
    Stop: LaneFinished,
}


@dataclass(frozen=True, eq=False)
class _Occurrences:
    """One kind of event of a lane: its places in the recording, and the highest step from each place on."""

    places: Integers
    farthest: Integers

    @classmethod
    def of(cls, places: Integers, steps: Integers) -> _Occurrences:
        """From places in ascending order and the step at each."""
        return cls(places, np.maximum.accumulate(steps[::-1])[::-1])

    def reached(self, step: int, place: int) -> bool:
        """Whether any event after this place is of this step or a later one."""
        after = int(np.searchsorted(self.places, place, "right"))
        return after < len(self.places) and bool(self.farthest[after] >= step)


_NOTHING = _Occurrences.of(np.array([], np.int64), np.array([], np.int64))


def still_scheduled(recorded: Recorded) -> Iterator[LaneCommand]:
    """These commands, one for each lane that neither trained that step after the command was accepted nor obeyed it.

    Those for one lane are in the order in which they were sent, and come after the one that forks the lane.
    """
    table, lanes = recorded.table, _with_scheduled_forks(recorded)
    evaluated, answered = {lane: _evaluations(table, lane) for lane in lanes}, _answers(table)
    places = zip(table.others, table.other_places.tolist(), strict=True)
    scheduled = [(event.command, place) for event, place in places if isinstance(event, CommandScheduled)]
    for lane in lanes:
        for command, place in scheduled:
            # The answer to a fork is an event of the new lane.
            owner, answer = (command.name, LaneForked) if isinstance(command, Fork) else (lane, _ANSWERS[type(command)])
            occurrences = evaluated[lane], answered.get((owner, answer), _NOTHING)
            if command.lane in (None, lane) and not any(
                kind.reached(command.at_step or 0, place) for kind in occurrences
            ):
                yield msgspec.structs.replace(command, lane=lane)


def _with_scheduled_forks(recorded: Recorded) -> list[str]:
    """The lanes of a run, and those that a scheduled command forks."""
    scheduled = (event.command for event in recorded.table.others if isinstance(event, CommandScheduled))
    forks = (command.name for command in scheduled if isinstance(command, Fork))
    configured = (lane.name for lane in recorded.started.config.lanes)
    return list(dict.fromkeys([*configured, *recorded.forks, *forks]))


def _evaluations(table: EventTable, lane: str) -> _Occurrences:
    rows = table.evaluations.of(lane)
    return _Occurrences.of(table.evaluations.places[rows], table.evaluations.steps[rows])


def _answers(table: EventTable) -> dict[tuple[str, type[LaneEvent]], _Occurrences]:
    """The events of each lane and kind, except evaluations."""
    found: dict[tuple[str, type[LaneEvent]], list[tuple[int, int]]] = {}
    for event, place in zip(table.others, table.other_places.tolist(), strict=True):
        if isinstance(event, LaneEvent):
            found.setdefault((event.lane, type(event)), []).append((place, event.step))
    return {kind: _Occurrences.of(*np.array(pairs, np.int64).T) for kind, pairs in found.items()}
