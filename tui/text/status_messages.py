"""The status line's messages about events."""

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
from .wording import lane_words, scheduled_line

RECORDING_ENDS = "End of the recording. <: back · q: quit"


class StatusMessage(NamedTuple):
    """Texts from longest to shortest; the status line shows the first that fits. `alert` highlights it."""

    texts: tuple[str, ...]
    alert: bool = False


def status_message(event: Event, state: RunState) -> StatusMessage | None:
    """The message about an event, or None if it needs none; `state` already includes the event."""
    if isinstance(event, Evaluated):
        # The common case, so it comes first.
        return None
    lanes = state.lanes.values()
    if isinstance(event, RunStarted):
        return StatusMessage((f"Training with seed {event.config.seed}. ?: help",))
    if isinstance(event, LaneFinished) and lanes and all(lane.ended for lane in lanes):
        if state.replay:
            return StatusMessage((RECORDING_ENDS,))
        return StatusMessage(
            ("Finished. e: 1000 more steps · n: new seed · d: why", "Finished. e: 1000 more steps · n: new seed")
        )
    if isinstance(event, Notice):
        return StatusMessage((event.text,), alert=event.level == "warning")
    if isinstance(event, CommandScheduled):
        return StatusMessage((scheduled_line(event),))
    if _applies_to_all(event, state):
        return StatusMessage((f"all lanes: {lane_words(event)}",))
    if isinstance(event, LanePaused | LaneResumed | LaneStepped) and state.lanes[event.lane].ended:
        # It has no effect on a lane that has ended, so what can be done now stays on the line.
        return None
    if isinstance(event, LaneEvent) and (text := lane_words(event)):
        return StatusMessage(_lane_texts(event, f"{event.lane}, step {event.step:,}: {text}", state))
    return None


def _applies_to_all(event: Event, state: RunState) -> bool:
    """Whether the event's new value is now the same in all lanes that have not ended."""
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


def _lane_texts(event: LaneEvent, text: str, state: RunState) -> tuple[str, ...]:
    adam = state.config is not None and state.config.optimizer == "adam"
    if not (adam and isinstance(event, ClipChanged) and not event.moments_reset):
        return (text,)
    long, short = memory_words(event)
    return f"{text}. {long}", f"{text}; {short}", f"{event.lane}: {short}"
