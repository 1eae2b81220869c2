"""How events read as text, the same on the console and on the screen."""

from __future__ import annotations

from ..core.commands import Extend, LaneCommand, Pause, ResetMoments, Resume, SetClip, SetPace, StepOnce, Stop
from ..core.events import (
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
    LaneStepped,
    MomentsReset,
    NonfiniteFound,
    OutputDied,
    OutputRevived,
    PaceChanged,
)
from ..core.printed import evaluation_line as evaluation_line
from .notation import decimal, in_ascii, norms, share

_DONE = {
    "propagate": "it is used as it is",
    "skip": "such steps are left out",
    "zero": "these become 0",
    "stop": "the lane ends",
}


def short_line(event: Evaluated) -> str:
    """The same where there is little room."""
    return f"{event.step:>5} acc {event.accuracy:.2f} loss {event.loss:.4f}"


def terse_line(event: Evaluated) -> str:
    """The same where there is hardly any: step, accuracy, loss."""
    return f"{event.step:>5} {event.accuracy:>4.0%} {event.loss:.4f}"


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


def output_line(event: OutputDied | OutputRevived) -> str:
    """A class that is no longer answered, or is again."""
    return f"Step: {event.step} output {event.output} {'died' if isinstance(event, OutputDied) else 'fires again'}"


def short_output_line(event: OutputDied | OutputRevived) -> str:
    """The same where there is little room."""
    return f"{event.step:>5} output {event.output} {'died' if isinstance(event, OutputDied) else 'fires'}"


def terse_output_line(event: OutputDied | OutputRevived) -> str:
    """The same where there is hardly any."""
    return f"{event.step:>5} {event.output} {'died' if isinstance(event, OutputDied) else 'fires'}"


def diagnosis_line(event: Diagnosed) -> str:
    """What the clip did at a step, in all layers together."""
    total = event.total
    figures = (
        f"saturation {share(total.saturation)}",
        f"engaged {share(event.engaged_recently)}",
        f"cos {decimal(total.cosine)}",
        f"norm {norms(total, '->')}",
        f"dead {' '.join(map(str, event.dead_outputs)) or 'none'}",
    )
    return in_ascii(" ".join(figures))


def earlier_line(event: EvaluatedEarlier, count: int) -> str:
    """Evaluations that are drawn and not listed."""
    return f"Steps: {event.step} to {event.step + event.stride * (count - 1)}: {count:,} evaluations, not listed"


def finished_line(event: LaneFinished) -> str:
    """How a lane ended, with its accuracy on all validation images."""
    return f"{ended_line(event)} (all {event.total:,})"


def ended_line(event: LaneFinished) -> str:
    """The same without how many images these are."""
    return f"Step: {event.step} {event.reason}: accuracy {event.correct / event.total:.3f} loss {event.loss:.4f}"


def short_finished_line(event: LaneFinished) -> str:
    """The same where there is little room."""
    return f"{event.step:>5} acc {event.correct / event.total:.3f} loss {event.loss:.4f} (all {event.total:,})"


def terse_finished_line(event: LaneFinished) -> str:
    """The same where there is hardly any."""
    return f"{event.step:>5} all {event.correct / event.total:.0%}"


def pace_words(pace: float | None) -> str:
    """`full speed`, or so many steps a second."""
    return "full speed" if pace is None else f"{pace:g} steps/s"
