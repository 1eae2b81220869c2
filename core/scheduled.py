"""The commands of a recorded run that were scheduled for a step which it had not reached."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .commands import Extend, LaneCommand, Pause, ResetMoments, Resume, SetClip, SetPace, StepOnce, Stop
from .events import (
    ClipChanged,
    CommandScheduled,
    LaneEvent,
    LaneExtended,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStepped,
    MomentsReset,
    PaceChanged,
)
from .recorded import Recorded

_ANSWERS: dict[type[LaneCommand], type[LaneEvent]] = {
    SetClip: ClipChanged,
    ResetMoments: MomentsReset,
    Pause: LanePaused,
    Resume: LaneResumed,
    StepOnce: LaneStepped,
    SetPace: PaceChanged,
    Extend: LaneExtended,
    Stop: LaneFinished,
}


def still_scheduled(recorded: Recorded) -> Iterator[LaneCommand]:
    """Such commands, one for each lane that has not obeyed."""
    lanes = [lane.name for lane in recorded.started.config.lanes]
    for event, place in zip(recorded.table.others, recorded.table.other_places.tolist(), strict=True):
        if isinstance(event, CommandScheduled):
            for lane in lanes:
                if event.command.lane in (None, lane) and not _was_obeyed(recorded, event.command, lane, place):
                    yield msgspec.structs.replace(event.command, lane=lane)


def _was_obeyed(recorded: Recorded, command: LaneCommand, lane: str, place: int) -> bool:
    """Whether a lane trained the step of a command accepted at this place of the recording, or answered the command."""
    step, answer, table = command.at_step or 0, _ANSWERS[type(command)], recorded.table
    rows = table.evaluations.of(lane)
    if (table.evaluations.steps[rows][table.evaluations.places[rows] > place] >= step).any():
        return True
    return any(
        isinstance(event, answer) and event.lane == lane and event.step >= step
        for event, at in zip(table.others, table.other_places.tolist(), strict=True)
        if at > place
    )
