"""Events as text, for the console and the screen."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.safe_text import printable
from ...core.stream.commands import Extend, LaneCommand, Pause, ResetMoments, Resume, SetClip, SetPace, StepOnce, Stop
from ...core.stream.evaluation_line import evaluation_line
from ...core.stream.events import (
    ClipChanged,
    CommandScheduled,
    Diagnosed,
    Evaluated,
    EvaluatedEarlier,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    MomentsReset,
    NonfiniteFound,
    OutputDied,
    OutputRevived,
    PaceChanged,
)
from .number_format import decimal, in_ascii, norms, share

_NO_NAMES: Mapping[str, str] = {}
_NONFINITE_ACTIONS = {
    "propagate": "used unchanged",
    "skip": "such steps are skipped",
    "zero": "these elements are set to 0",
    "stop": "the lane stops",
}
# The assignment's evaluation line takes up to _WIDE cells at a million steps, the short form up to _MEDIUM.
_WIDE, _MEDIUM = 56, 26


def log_line(event: LaneEvent, cells: int) -> str:
    """A line of a lane's log, in the longest form that fits `cells`; steps are right-aligned."""
    match event:
        case Evaluated() if cells >= _WIDE:
            return evaluation_line(event)
        case Evaluated(step=step, accuracy=accuracy, loss=loss) if cells >= _MEDIUM:
            return f"{step:>5} acc {accuracy:.2f} loss {loss:.4f}"
        case Evaluated(step=step, accuracy=accuracy, loss=loss):
            return f"{step:>5} {accuracy:>4.0%} {loss:.4f}"
        case EvaluatedEarlier(step=step, stride=stride, losses=losses):
            count = len(losses) // 4
            return f"Steps: {step} to {step + stride * (count - 1)}: {count:,} evaluations, not listed"
        case LaneStarted():
            return "Start Training..."
        case LaneFinished():
            return _end(event, cells)
        case OutputDied() | OutputRevived():
            return _output(event, cells)
        case _:
            return _message_line(event, cells)


def _message_line(event: LaneEvent, cells: int) -> str:
    """A message in full, without the label of its step, or in brief."""
    words = printable(lane_words(event) or "")
    forms = (f"Step: {event.step} {words}" if words else "", f"{event.step:>5} {words}")
    brief = f"{event.step:>5} {printable(_brief_words(event) or words)}"
    return next((form for form in forms if len(form) <= cells), brief)


def _brief_words(event: LaneEvent) -> str | None:
    """A message in at most about 20 cells."""
    match event:
        case ClipChanged(rule=rule):
            return f"clip {rule}"
        case MomentsReset():
            return "optimizer reset"
        case NonfiniteFound(nan=nan):
            return f"{'NaN' if nan else 'infinity'} in the gradient"
        case LaneFailed():
            return failure_word(event)
        case _:
            return None


def _end(event: LaneFinished, cells: int) -> str:
    """How a lane ended, with accuracy and loss on all validation images."""
    accuracy = event.correct / event.total
    full = f"Step: {event.step} {event.reason}: accuracy {accuracy:.3f} loss {event.loss:.4f}"
    images = f" (all {event.total:,})"
    if len(full + images) <= cells:
        return full + images
    short = f"{event.step:>5} acc {accuracy:.3f} loss {event.loss:.4f}{images}"
    return full if cells >= _WIDE else short if len(short) <= cells else f"{event.step:>5} all {accuracy:.0%}"


def _output(event: OutputDied | OutputRevived, cells: int) -> str:
    """An output that died or recovered."""
    died = isinstance(event, OutputDied)
    if cells >= _WIDE:
        return f"Step: {event.step} output {event.output} {'died' if died else 'recovered'}"
    if cells >= _MEDIUM:
        return f"{event.step:>5} output {event.output} {'died' if died else 'recovered'}"
    return f"{event.step:>5} {event.output} {'died' if died else 'alive'}"


def lane_message(event: Event) -> str | None:
    """What happened to a lane, and at which step; None for events without a message."""
    words = lane_words(event)
    return f"Step: {event.step} {words}" if isinstance(event, LaneEvent) and words else None


def lane_words(event: Event) -> str | None:
    """What happened to a lane; None for events without a message."""
    match event:
        case ClipChanged(rule=rule, previous=previous, moments_reset=reset):
            return f"clip {previous} -> {rule}{', optimizer state reset' if reset else ''}"
        case MomentsReset():
            return "optimizer state reset"
        case NonfiniteFound(nan=nan, infinite=infinite, action=action):
            return f"non-finite gradient ({nan:,} NaN, {infinite:,} infinite): {_NONFINITE_ACTIONS[action]}"
        case LanePaused():
            return "paused"
        case LaneResumed():
            return "resumed"
        case LaneStepped(count=count):
            return f"taking {count} step{'s' if count > 1 else ''}"
        case PaceChanged(pace=pace):
            return speed_limit_words(pace)
        case LaneExtended(iterations=iterations):
            return f"extended to {iterations} steps"
        case LaneFailed(cause=cause):
            return f"{failure_word(event)}: {cause}"
        case _:
            return None


def failure_word(failed: LaneFailed) -> str:
    """`diverged`, or `failed` if an error was raised."""
    return "diverged" if failed.reason == "diverged" else "failed"


def scheduled_line(event: CommandScheduled, names: Mapping[str, str] = _NO_NAMES) -> str:
    """The command that will run at a later step, and for which lanes; `names` are those on the screen."""
    command = event.command
    whose = "all lanes" if command.lane is None else f"lane {names.get(command.lane, command.lane)}"
    return f"scheduled for step {command.at_step}, {whose}: {_command_words(command)}"


def _command_words(command: LaneCommand) -> str:
    match command:
        case SetClip(rule=rule):
            return f"clip {rule}"
        case ResetMoments():
            return "reset the optimizer state"
        case Pause():
            return "pause"
        case Resume():
            return "resume"
        case StepOnce(count=count):
            return f"take {count} step{'s' if count > 1 else ''}"
        case SetPace(pace=pace):
            return speed_limit_words(pace)
        case Extend(iterations=iterations):
            return f"{iterations} more steps"
        case Stop():
            return "stop"


def diagnosis_line(event: Diagnosed) -> str:
    """What clipping did at a step, over all layers."""
    total = event.total
    figures = (
        f"elements clipped {share(total.clipped_share)}",
        f"steps clipped {share(event.engaged_recently)}",
        f"cos {decimal(total.cosine)}",
        f"norm {norms(total, '->')}",
        f"dead outputs {' '.join(map(str, event.dead_outputs)) or 'none'}",
    )
    return in_ascii(", ".join(figures))


def change_label(change: ClipChanged | MomentsReset) -> str:
    """The label of an intervention in a chart: the new rule, or that the optimizer state was reset."""
    return change.rule if isinstance(change, ClipChanged) else "optimizer reset"


def head_words(head: str) -> str:
    """What the last layer does to the logits."""
    return "ReLU on the logits" if head == "relu" else "plain logits"


def speed_limit_words(pace: float | None) -> str:
    """`full speed`, or `speed limit 50 steps/s`."""
    return "full speed" if pace is None else f"speed limit {pace:g} steps/s"


def replay_speed_words(speed: float | None) -> str:
    """`at the recorded speed`, `at 2 times the recorded speed` or `as fast as possible`."""
    if speed is None:
        return "as fast as possible"
    return "at the recorded speed" if speed == 1 else f"at {speed:.3g} times the recorded speed"
