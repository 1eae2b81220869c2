"""The status line's messages about events."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

from ...core.stream.audit_words import audit_words, is_mistake
from ...core.stream.events import (
    Attached,
    ClipChanged,
    CommandScheduled,
    Evaluated,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    LoopAudited,
    LoopEnded,
    Notice,
    PaceChanged,
    ReplayStarted,
    SeekFinished,
)
from ...core.stream.lane_differences import uses_adam
from ...core.stream.state import RunState
from .adam_memory import memory_words
from .explanation import explanations, has_stopped_learning
from .lane_names import lane_names
from .number_format import date_and_time, duration
from .verdict import verdict
from .wording import lane_words, replay_speed_words, scheduled_line, speed_limit_words

MORE_ITERATIONS = 1000
# The key line has the others.
END_KEYS = "d: why"
NOT_STARTED = "The run has not started yet: this key works once its lanes train."
RECORDING_ENDS = "End of the recording. <: back · q: quit"
SWEEP_KEY = "S"


class StatusMessage(NamedTuple):
    """Texts from longest to shortest; the status line shows the first that fits. `alert` highlights it."""

    texts: tuple[str, ...]
    alert: bool = False


def status_message(event: Event, state: RunState, *, kept_in: str | None = None) -> StatusMessage | None:
    """The message about an event, or None if it needs none; `state` already includes the event.

    `kept_in`: where the run before this one is recorded.
    """
    if isinstance(event, Evaluated):
        # The common case, so it comes first.
        return None
    if isinstance(event, LaneStarted):
        # Later than `RunStarted`, since only now it is known whether this is a replay.
        if state.attached or state.lanes[event.lane].parent is not None:
            return None
        return StatusMessage(_replay_texts(state.replay, state) if state.replay else _start_texts(state, kept_in))
    if isinstance(event, Attached):
        return _attached_message(event) if state.lanes else None
    if isinstance(event, SeekFinished) and state.replay:
        return StatusMessage((f"step {event.step:,} of {state.replay.last_step:,}",))
    if isinstance(event, LaneFinished | LaneFailed | LoopEnded) and has_ended(state):
        return StatusMessage(end_texts(state))
    if isinstance(event, Notice):
        return StatusMessage((_with_shown_names(event.text, state),), alert=event.level == "warning")
    if isinstance(event, CommandScheduled):
        return StatusMessage((scheduled_line(event, lane_names(state.lanes)),))
    if isinstance(event, PaceChanged) and state.replay:
        # It was recorded, or it is the answer to a key that has said what it does.
        return None
    if isinstance(event, PaceChanged) and has_ended(state):
        return StatusMessage(later_pace(event.pace))
    if isinstance(event, LanePaused | LaneStepped) and event.step == state.lanes[event.lane].forked_at:
        # A fork begins paused or stepping if its parent is: the message stays that it was forked.
        return None
    if _applies_to_all(event, state):
        return StatusMessage((f"all lanes: {lane_words(event)}",))
    if isinstance(event, LanePaused | LaneResumed | LaneStepped) and state.lanes[event.lane].ended:
        # It has no effect on a lane that has ended, so what can be done now stays on the line.
        return None
    if isinstance(event, LaneEvent) and lane_words(event):
        alert = isinstance(event, LoopAudited) and is_mistake(event)
        return StatusMessage(_lane_texts(event, state), alert)
    return None


def has_ended(state: RunState) -> bool:
    """Whether every lane has ended."""
    return bool(state.lanes) and all(lane.ended for lane in state.lanes.values())


def later_pace(pace: float | None) -> tuple[str, ...]:
    """A speed limit that was set after the last step."""
    text = f"all lanes: {speed_limit_words(pace)} from the next step on"
    return f"{text} (e: {MORE_ITERATIONS} more steps · n: new seed)", text


def kept_texts(folder: str | None) -> tuple[str, ...]:
    """What becomes of the run so far at a restart."""
    if not folder:
        return ("The run so far was not recorded.",)
    return f"The run so far is kept in {folder}", f"Kept: {PurePath(folder).name}"


def _attached_message(attached: Attached) -> StatusMessage | None:
    """How the process that trains the run is; its end has messages of its own."""
    if attached.process in ("ended", "gone"):
        return None
    if attached.process == "silent":
        text = f"No sign of life for {duration(attached.silent)}"
        return StatusMessage((f"{text}: the process is stopped, or it hangs. Nothing is lost so far", text), alert=True)
    text, quit = f"Attached to {attached.run}", "q: detach, the run goes on"
    why = [f"{attached.unsteerable[0].upper()}{attached.unsteerable[1:]}"] if attached.unsteerable else []
    forms = ([text, *why, f"{quit} · ?: help"], [*(why or [text]), quit], [*(why or [text]), "q: detach"], [quit])
    return StatusMessage(tuple(". ".join(form) for form in forms))


def _start_texts(state: RunState, kept_in: str | None) -> tuple[str, ...]:
    text = f"Training with seed {state.config.seed if state.config else 0}."
    kept = f"{text} The run before is kept"
    folder = PurePath(kept_in or "").name
    before = (f"{kept} in {kept_in}", f"{kept}: {folder}", f"{text} Kept: {folder}") if kept_in else ()
    return *before, f"{text} Try c, d and space. ?: help", f"{text} ?: help"


def _replay_texts(replay: ReplayStarted, state: RunState) -> tuple[str, ...]:
    recorded = date_and_time(state.started_at)
    text, keys = f"Replay of {replay.run}", "<: back · >: forward"
    return (
        f"{text}, recorded {recorded}, {replay_speed_words(replay.speed)}. {keys} · ?: help",
        f"{text}, recorded {recorded}. {keys}",
        f"{text}. {keys}",
        text,
        f"Replay. {keys}",
    )


def end_texts(state: RunState) -> tuple[str, ...]:
    """The verdict, and the key that shows why."""
    if state.replay:
        texts = verdict(state)
        return *(f"{text}. {RECORDING_ENDS}".replace("..", ".") for text in texts), RECORDING_ENDS
    texts = verdict(state, sweep_key="" if state.attached else SWEEP_KEY)
    keys = f"{END_KEYS} · q: detach" if state.attached else END_KEYS
    return f"{texts[0].removesuffix('.')}. {keys}", *texts


def _with_shown_names(text: str, state: RunState) -> str:
    """A notice of the engine, which knows the recorded names, with the names on the screen."""
    names = lane_names(state.lanes)
    return re.sub(r"\blane ([\w.+-]+)", lambda found: f"lane {names.get(found[1], found[1])}", text)


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


def _lane_texts(event: LaneEvent, state: RunState) -> tuple[str, ...]:
    """What happened to one lane; after a change of rule, also what follows from it."""
    name = lane_names(state.lanes).get(event.lane, event.lane)
    words, lane = lane_words(event, lane_names(state.lanes)), state.lanes.get(event.lane)
    text = f"{name}, step {event.step:,}: {words}"
    if isinstance(event, LoopAudited):
        return tuple(f"{name}, step {event.step:,}: {form}" for form in audit_words(event))
    if isinstance(event, LaneFailed) and lane:
        return tuple(f"{name} {form}" for form in explanations(state, lane))
    if not isinstance(event, ClipChanged):
        return (text,)
    if lane and has_stopped_learning(lane):
        return (
            f"{text}. All its outputs are dead and every gradient is 0: a rule changes nothing in a gradient of 0",
            f"{text}. All outputs dead: no gradient to clip",
            f"{name}: all outputs dead, no gradient to clip",
        )
    if event.moments_reset or not (lane and uses_adam(state, lane)):
        return (text,)
    long, short = memory_words(event)
    return f"{text}. {long}", f"{text}; {short}", f"{name}: {short}"
