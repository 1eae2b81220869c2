"""What the status line tells of an event: what came of a command, and what there is to know."""

from __future__ import annotations

from typing import NamedTuple

from ...core.stream.events import (
    ClipChanged,
    CommandScheduled,
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


class News(NamedTuple):
    """Of the texts the first that there is room for is shown."""

    texts: tuple[str, ...]
    alert: bool = False


def news_of(event: Event, state: RunState) -> News | None:
    """What there is to tell of an event, None if nothing is; the state is the one after it."""
    lanes = state.lanes.values()
    if isinstance(event, RunStarted):
        return News((f"training with seed {event.config.seed}; ? says what the keys do",))
    if isinstance(event, LaneFinished) and lanes and all(lane.ended for lane in lanes):
        if state.replay:
            return News((RECORDING_ENDS,))
        return News(("every lane has ended: e trains on, n tries another seed",))
    if isinstance(event, Notice):
        return News((event.text,), alert=event.level == "warning")
    if isinstance(event, CommandScheduled):
        return News((scheduled_line(event),))
    if _is_so_of_all(event, state):
        return News((f"all lanes: {lane_words(event)}",))
    if isinstance(event, LaneEvent) and (text := lane_message(event)):
        return News(_of_lane(event, f"{event.lane}: {text}", state))
    return None


def _is_so_of_all(event: Event, state: RunState) -> bool:
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
