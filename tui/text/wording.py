"""Events as text, for the console and the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...core.safe_text import printable
from ...core.stream.audit_words import audit_words
from ...core.stream.builtin_experiments import LENET
from ...core.stream.commands import (
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
from ...core.stream.evaluation_line import evaluation_line
from ...core.stream.events import (
    Change,
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
    LaneForked,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    LearningRateChanged,
    LoopAudited,
    LoopEnded,
    MomentsReset,
    NonfiniteFound,
    OutputDied,
    OutputRevived,
    PaceChanged,
    StepsSkipped,
)
from ...core.stream.experiment_info import LOSS, ExperimentInfo
from ...core.stream.measures import RECENT_STEPS
from ...core.stream.series import evaluated_values, final_values
from .metric_words import figure, gauge_value, log_widths, short_name, value_words
from .number_format import decimal, in_ascii, norms, number_of, share, symbols_in_ascii

_NO_NAMES: Mapping[str, str] = {}
_NONFINITE_ACTIONS = {
    "propagate": "used unchanged",
    "skip": "such steps are skipped",
    "zero": "these elements are set to 0",
    "stop": "the lane stops",
}
# The cells from which on an output that died has a long and a medium form.
_WIDE, _MEDIUM = log_widths(LENET.info)


def log_line(
    event: LaneEvent, cells: int, experiment: ExperimentInfo = LENET.info, names: Mapping[str, str] = _NO_NAMES
) -> str:
    """A line of a lane's log, in the longest form that fits `cells`; steps are right-aligned.

    `names` are those of the lanes on the screen.
    """
    match event:
        case Evaluated():
            return _evaluation(event, cells, experiment)
        case EvaluatedEarlier(step=step, stride=stride, losses=losses):
            count = len(losses) // 4
            return f"Steps: {step} to {step + stride * (count - 1)}: {count:,} evaluations, not listed"
        case LaneStarted():
            return "Start Training..."
        case LaneFinished():
            return _end(event, cells, experiment)
        case OutputDied() | OutputRevived():
            return _output(event, cells)
        case _:
            return _message_line(event, cells, names)


def _evaluation(event: Evaluated, cells: int, experiment: ExperimentInfo) -> str:
    """All metrics, or the first one and the loss without words as far as they do not fit."""
    wide, medium = log_widths(experiment)
    if cells >= wide:
        return evaluation_line(event, experiment)
    main, loss = experiment.main, f"{event.loss:.4f}"
    value = None if main is LOSS else evaluated_values(event).get(main.name)
    if value is None:
        return f"{event.step:>5} loss {loss}"
    if cells >= medium:
        brief = f"{value:.2f}" if main.share else value_words(main, value)
        return f"{event.step:>5} {short_name(main)} {brief} loss {loss}"
    return f"{event.step:>5} {f'{value:>4.0%}' if main.share else value_words(main, value)} {loss}"


def _message_line(event: LaneEvent, cells: int, names: Mapping[str, str]) -> str:
    """A message in full, without the label of its step, or in brief."""
    texts = [printable(words) for words in message_forms(event, names)]
    longest = f"Step: {event.step} {texts[0]}" if texts[0] else ""
    forms = (longest, *(f"{event.step:>5} {text}" for text in texts))
    return next((form for form in forms if len(form) <= cells), forms[-1])


def message_forms(event: LaneEvent, names: Mapping[str, str] = _NO_NAMES) -> tuple[str, ...]:
    """A message in forms from long to short; an empty one if there is none. `names` are those on the screen."""
    if isinstance(event, LoopAudited):
        return tuple(map(symbols_in_ascii, audit_words(event)))
    words = lane_words(event, names) or ""
    return words, _brief_words(event, names) or words


def _brief_words(event: LaneEvent, names: Mapping[str, str]) -> str | None:
    """A message in at most about 20 cells."""
    match event:
        case ClipChanged(rule=rule):
            return f"clip {rule}"
        case LearningRateChanged(rate=rate):
            return f"learning rate {rate:g}"
        case LaneForked(parent=parent):
            return f"fork of {names.get(parent, parent)}"
        case MomentsReset():
            return "optimizer reset"
        case NonfiniteFound(nan=nan):
            return f"{'NaN' if nan else 'infinity'} in the gradient"
        case LaneFailed():
            return failure_word(event)
        case StepsSkipped(count=count):
            return f"{number_of(count, 'step')} skipped"
        case LoopEnded(reason=reason):
            return f"loop {reason}"
        case _:
            return None


def _end(event: LaneFinished, cells: int, experiment: ExperimentInfo) -> str:
    """How a lane ended, with the first metric and the loss on all validation examples."""
    main, loss = experiment.main, f"loss {event.loss:.4f}"
    value = None if main is LOSS else final_values(event).get(main.name)
    long, short, only = ("", "", loss)
    if value is not None:
        long, short = f"{figure(main, value)} ", f"{short_name(main)} {value_words(main, value)} "
        only = f"all {value:.0%}" if main.share else f"all {value_words(main, value)}"
    full, examples = f"Step: {event.step} {event.reason}: {long}{loss}", f" (all {event.total:,})"
    if len(full + examples) <= cells:
        return full + examples
    brief = f"{event.step:>5} {short}{loss}{examples}"
    return full if cells >= max(_WIDE, len(full)) else brief if len(brief) <= cells else f"{event.step:>5} {only}"


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


def lane_words(event: Event, names: Mapping[str, str] = _NO_NAMES) -> str | None:
    """What happened to a lane; None for events without a message. `names` are those of the lanes on the screen."""
    match event:
        case ClipChanged(rule=rule, previous=previous, moments_reset=reset):
            return f"clip {previous} -> {rule}{', optimizer state reset' if reset else ''}"
        case LearningRateChanged(rate=rate, previous=previous):
            return f"learning rate {'' if previous is None else f'{previous:g} -> '}{rate:g}"
        case LaneForked(parent=parent, rule=rule, learning_rate=rate):
            return f"forked from {names.get(parent, parent)}: {_trained_with(rule, rate)}"
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
        case LoopAudited():
            return symbols_in_ascii(audit_words(event)[0])
        case LaneFailed(cause=cause):
            return f"{failure_word(event)}: {cause}"
        case StepsSkipped(count=count):
            return f"{number_of(count, 'step')} skipped: a scaled gradient overflowed"
        case LoopEnded(reason=reason):
            return "the loop has stopped" if reason == "stopped" else "the loop has ended"
        case _:
            return None


def _trained_with(rule: str, rate: float | None) -> str:
    """The rule and the learning rate of a fork."""
    return _clip_words(rule) if rate is None else f"{_clip_words(rule)}, learning rate {rate:g}"


def _clip_words(rule: str) -> str:
    return "unclipped" if rule == "none" else f"clip {rule}"


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
        case SetLearningRate(rate=rate):
            return f"learning rate {rate:g}"
        case Fork(name=name, rule=rule, learning_rate=rate):
            clip = None if rule is None else _clip_words(rule)
            changes = filter(None, (clip, None if rate is None else f"learning rate {rate:g}"))
            return f"fork {name}: {', '.join(changes) or 'as it is'}"
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


def diagnosis_line(event: Diagnosed, experiment: ExperimentInfo = LENET.info) -> str:
    """What clipping did at a step, over all layers, and what the experiment's gauges show."""
    total = event.total
    figures = (
        f"elements clipped {share(total.clipped_share)}",
        f"steps clipped {share(event.engaged_recently)} of the last {min(RECENT_STEPS, event.step + 1)}",
        f"cos {decimal(total.cosine)}",
        f"norm {norms(total, '->')}",
        *_gauges(event, experiment),
    )
    return in_ascii(", ".join(figures))


def _gauges(event: Diagnosed, experiment: ExperimentInfo) -> Iterator[str]:
    """Each gauge with its value; dead outputs by number, and no dead units."""
    for gauge in experiment.gauges:
        if gauge.name == "dead-outputs":
            yield f"dead outputs {' '.join(map(str, event.dead_outputs)) or 'none'}"
        elif gauge.name in event.gauge:
            yield f"{gauge.words} {gauge_value(gauge, event.gauge[gauge.name])}"


def change_label(change: Change) -> str:
    """The label of an intervention in a chart: the new rule or learning rate, a fork, or that the state was reset."""
    match change:
        case ClipChanged(rule=rule):
            return rule
        case LearningRateChanged(rate=rate):
            return f"lr {rate:g}"
        case LaneForked():
            return "fork"
        case MomentsReset():
            return "optimizer reset"


def speed_limit_words(pace: float | None) -> str:
    """`full speed`, or `speed limit 50 steps/s`."""
    return "full speed" if pace is None else f"speed limit {pace:g} steps/s"


def replay_speed_words(speed: float | None) -> str:
    """`at the recorded speed`, `at 2 times the recorded speed` or `as fast as possible`."""
    if speed is None:
        return "as fast as possible"
    return "at the recorded speed" if speed == 1 else f"at {speed:.3g} times the recorded speed"
