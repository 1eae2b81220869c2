"""Messages of the status line about events: what came of a command, and what there is to know."""

from __future__ import annotations

from typing import NamedTuple

from ...core.stream.events import (
    ClipChanged,
    CommandScheduled,
    Evaluated,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStepped,
    Notice,
    PaceChanged,
    RunStarted,
)
from ...core.stream.state import RunState
from .adam_memory import memory_words
from .wording import lane_message, lane_words, scheduled_line

RECORDING_ENDS = "the recording ends here: < goes back in it, q leaves"


class StatusMessage(NamedTuple):
    """The status line shows the first of the texts that there is room for."""

    texts: tuple[str, ...]
    alert: bool = False


def status_message(event: Event, state: RunState) -> StatusMessage | None:
    """The message about an event, None where it needs none; the state is the one after it."""
    if isinstance(event, Evaluated):
        # Most events are.
        return None
    lanes = state.lanes.values()
    if isinstance(event, RunStarted):
        return StatusMessage((f"training with seed {event.config.seed}; ? says what the keys do",))
    if isinstance(event, LaneFinished) and lanes and all(lane.ended for lane in lanes):
        if state.replay:
            return StatusMessage((RECORDING_ENDS,))
        return StatusMessage(("every lane has ended: e trains on, n tries another seed",))
    if isinstance(event, Notice):
        return StatusMessage((event.text,), alert=event.level == "warning")
    if isinstance(event, CommandScheduled):
        return StatusMessage((scheduled_line(event),))
    if _holds_for_all(event, state):
        return StatusMessage((f"all lanes: {lane_words(event)}",))
    if isinstance(event, LaneEvent) and (text := lane_message(event)):
        return StatusMessage(_of_lane(event, f"{event.lane}: {text}", state))
    return None


def _holds_for_all(event: Event, state: RunState) -> bool:
    """Whether what happened to a lane has now happened to every one that has not ended."""
    lanes = [lane for lane in state.lanes.values() if not lane.ended]
    match event:
        case LanePaused() | LaneResumed() | LaneStepped():
            same = {lane.going for lane in lanes}
        case PaceChanged():
            same = {lane.pace for lane in lanes}
        case LaneExtended():
            same = {lane.iterations for lane in lanes}
        case _:
            return False
    return len(lanes) > 1 and len(same) == 1


def _of_lane(event: LaneEvent, text: str, state: RunState) -> tuple[str, ...]:
    adam = state.config is not None and state.config.optimizer == "adam"
    if not (adam and isinstance(event, ClipChanged) and not event.moments_reset):
        return (text,)
    long, short = memory_words(event)
    return f"{text}. {long}", f"{text}. {short}", f"{event.lane}: {short}"
