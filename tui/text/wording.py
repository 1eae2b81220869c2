"""How events read as text, the same on the console and on the screen."""

from __future__ import annotations

from ...core.stream.commands import Extend, LaneCommand, Pause, ResetMoments, Resume, SetClip, SetPace, StepOnce, Stop
from ...core.stream.evaluation_line import evaluation_line as evaluation_line
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
from ...core.text import printable
from .notation import decimal, in_ascii, norms, share

_DONE = {
    "propagate": "it is used as it is",
    "skip": "such steps are left out",
    "zero": "these become 0",
    "stop": "the lane ends",
}
# The longest line of the assignment at a million steps; in a narrower log lines take their short form, and below the
# length of that their shortest.
_ROOMY, _NARROW = 56, 26


def log_line(event: LaneEvent, cells: int) -> str:
    """A line of a lane's log in the longest form that `cells` hold, or the shortest; steps stand below each other."""
    match event:
        case Evaluated() if cells >= _ROOMY:
            return evaluation_line(event)
        case Evaluated(step=step, accuracy=accuracy, loss=loss) if cells >= _NARROW:
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
            return printable(lane_message(event) or "")


def _end(event: LaneFinished, cells: int) -> str:
    """How a lane ended, with its accuracy on all validation images."""
    accuracy = event.correct / event.total
    full = f"Step: {event.step} {event.reason}: accuracy {accuracy:.3f} loss {event.loss:.4f}"
    images = f" (all {event.total:,})"
    if len(full + images) <= cells:
        return full + images
    short = f"{event.step:>5} acc {accuracy:.3f} loss {event.loss:.4f}{images}"
    return full if cells >= _ROOMY else short if len(short) <= cells else f"{event.step:>5} all {accuracy:.0%}"


def _output(event: OutputDied | OutputRevived, cells: int) -> str:
    """A class that is no longer answered, or is again."""
    died = isinstance(event, OutputDied)
    if cells >= _ROOMY:
        return f"Step: {event.step} output {event.output} {'died' if died else 'fires again'}"
    name = f"output {event.output}" if cells >= _NARROW else f"{event.output}"
    return f"{event.step:>5} {name} {'died' if died else 'fires'}"


def lane_message(event: Event) -> str | None:
    """What happened to a lane and at which step, in words, None where there is nothing to tell."""
    words = lane_words(event)
    return f"Step: {event.step} {words}" if isinstance(event, LaneEvent) and words else None


def lane_words(event: Event) -> str | None:
    """The same without the step."""
    match event:
        case ClipChanged(rule=rule, previous=previous, moments_reset=reset):
            return f"clip {previous} -> {rule}{', moments reset' if reset else ''}"
        case MomentsReset():
            return "moments reset"
        case NonfiniteFound(nan=nan, infinite=infinite, action=action):
            return f"the gradient is not finite, {nan} NaN and {infinite} infinite: {_DONE[action]}"
        case LanePaused():
            return "paused"
        case LaneResumed():
            return "resumed"
        case LaneStepped(count=count):
            return f"going {count} step{'s' if count > 1 else ''}"
        case PaceChanged(pace=pace):
            return f"pace {pace_words(pace)}"
        case LaneExtended(iterations=iterations):
            return f"extended to {iterations} steps"
        case LaneFailed(reason=reason, cause=cause):
            return f"{'diverged' if reason == 'diverged' else 'failed'}: {cause}"
        case _:
            return None


def scheduled_line(event: CommandScheduled) -> str:
    """What a lane is to do, and at which step."""
    command = event.command
    whose = "all lanes" if command.lane is None else f"lane {command.lane}"
    return f"scheduled for step {command.at_step}, {whose}: {_command_words(command)}"


def _command_words(command: LaneCommand) -> str:
    match command:
        case SetClip(rule=rule):
            return f"clip {rule}"
        case ResetMoments():
            return "reset the moments"
        case Pause():
            return "pause"
        case Resume():
            return "resume"
        case StepOnce(count=count):
            return f"take {count} step{'s' if count > 1 else ''}"
        case SetPace(pace=pace):
            return f"pace {pace_words(pace)}"
        case Extend(iterations=iterations):
            return f"{iterations} more steps"
        case Stop():
            return "stop"


def diagnosis_line(event: Diagnosed) -> str:
    """What the clip did at a step, in all layers together."""
    total = event.total
    figures = (
        f"saturation {share(total.clipped_share)}",
        f"engaged {share(event.engaged_recently)}",
        f"cos {decimal(total.cosine)}",
        f"norm {norms(total, '->')}",
        f"dead {' '.join(map(str, event.dead_outputs)) or 'none'}",
    )
    return in_ascii(" ".join(figures))


def change_label(change: ClipChanged | MomentsReset) -> str:
    """What an intervention is called in a chart."""
    return change.rule if isinstance(change, ClipChanged) else "moments reset"


def pace_words(pace: float | None) -> str:
    """`full speed`, or so many steps a second."""
    return "full speed" if pace is None else f"{pace:g} steps/s"
