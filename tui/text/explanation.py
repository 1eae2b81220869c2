"""Sentences that explain a lane, most important first. Each follows with certainty from its measurements."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from ...core.stream.audit_words import audit_words, by_importance
from ...core.stream.events import Diagnosed, LaneFailed
from ...core.stream.lane_differences import uses_adam
from ...core.stream.lane_state import LaneState
from ...core.stream.measures import RECENT_STEPS
from ...core.stream.rules import AutoClip, NoClip, NormClip, SignClip, ValueClip, ZClip, recorded_rule
from ...core.stream.state import RunState
from .lane_figures import CLASSES, dead_outputs, recent_share, recent_steps
from .number_format import decimal, share, size
from .saturation import saturation
from .sentence import Sentence
from .wording import failure_word

SIGNS_ONLY = 0.9
NEARLY_ALL = 0.95
# What became of the lane, in a long and a brief form.
_CAUSES = {
    "the training loss is nan": ("the loss became NaN", "loss NaN"),
    "the training loss is inf": ("the loss became infinite", "loss infinite"),
    "a weight is no longer finite": ("a weight became NaN or infinite", "weights not finite"),
    "the gradient is no longer finite, and the lane is set to stop in this case": (
        "a gradient became NaN or infinite",
        "gradient not finite",
    ),
    "the loss on all validation data is nan": ("the loss on all {examples} is NaN", "loss NaN"),
    "the loss on all validation data is inf": ("the loss on all {examples} is infinite", "loss infinite"),
}


def explanation(state: RunState, lane: LaneState) -> str | None:
    """The longest form of the most important sentence; None if nothing is certain."""
    return next(iter(explanations(state, lane)), None)


def explanations(state: RunState, lane: LaneState) -> Sentence:
    """The most important sentence in forms from long to short; empty if nothing is certain."""
    return next(sentences(state, lane), ())


def sentences(state: RunState, lane: LaneState) -> Iterator[Sentence]:
    """All sentences about a lane, the most important first."""
    if lane.failed:
        yield _failure(lane, lane.failed, state.experiment.examples)
    yield from map(audit_words, by_importance(lane.audit))
    if has_stopped_learning(lane):
        yield _ALL_DEAD
    elif dead := dead_outputs(lane):
        yield _some_dead(lane, tuple(sorted(dead)))
    yield from saturation(state, lane)
    if are_identical(state):
        yield "nothing was clipped so far: the lanes are identical", "never clipped: identical lanes", "never clipped"
    if lane.diagnosed:
        yield from _effects(state, lane, lane.diagnosed)
    elif state.config and not state.config.diagnostics:
        yield "gradients are not measured in this run (--no-diagnostics)", "gradients are not measured"


def has_stopped_learning(lane: LaneState) -> bool:
    """Whether all outputs are dead and the gradient is 0, at the last measurement and at the newest known step."""
    if lane.diagnosed is None or lane.diagnosed.total.norm != 0 or len(dead_outputs(lane) or ()) != CLASSES:
        return False
    return lane.newest_norm is None or lane.newest_norm[1] == 0


def are_identical(state: RunState) -> bool:
    """Whether no rule has changed any gradient and all lanes have the parameters of the first one."""
    lanes, compared = list(state.lanes.values()), list(state.compared.values())
    return (
        len(lanes) > 1
        and not state.changed_mid_run
        and all(lane.diagnosed is not None and lane.diagnosed.engaged == 0 for lane in lanes)
        and len(compared) == len(lanes) - 1
        and all(one.distance == 0 for one in compared)
    )


# Failures


def _failure(lane: LaneState, failed: LaneFailed, examples: str) -> Sentence:
    ended = failure_words(failed)
    cause, brief = _CAUSES.get(failed.cause, (None, ""))
    why = f"{ended}: {cause.format(examples=examples) if cause else failed.cause}"
    shorter = (f"{ended.replace(' step', '')}: {brief}", ended) if brief else (ended,)
    if failed.reason != "diverged" or lane.newest_norm is None:
        return why, *shorter
    step, norm = lane.newest_norm
    return f"{why}; ‖g‖ was {_brief(norm)} at step {step:,}", why, *shorter


def failure_words(failed: LaneFailed) -> str:
    """How a lane ended that did not finish, and when."""
    return f"{failure_word(failed)} at step {failed.step:,}"


def _brief(value: float) -> str:
    """A number with one or two digits: `3e8` instead of `3e+08`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinite"
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.2g}")


# Dead outputs


# A training image that no evaluation has shown may still activate an output, so this does not say "for ever".
_ALL_DEAD = (
    "all 10 outputs dead: the loss is ln 10 = 2.3026 and every gradient is 0; this lane has stopped learning",
    "all 10 outputs dead: loss ln 10 = 2.3026, every gradient 0; it has stopped learning",
    "all 10 outputs dead: every gradient is 0; it has stopped learning",
    "all 10 outputs dead: it has stopped learning",
    "all 10 outputs dead",
)


def _some_dead(lane: LaneState, dead: tuple[int, ...]) -> Sentence:
    """The classes that are never predicted come first at any time, so that the sentence changes with them alone."""
    meaning, brief = _never_predicted(dead)
    count, counted = f"{len(dead)} of {CLASSES} outputs dead", f"{len(dead)} dead"
    measured, finished = lane.diagnosed, lane.finished
    if finished and finished.silent_outputs is not None:
        on_all = f"{count} on all {finished.total:,} images"
        longest = (f"{on_all}: {meaning}", f"{on_all}: {_listed(dead)}")
    elif measured is None or measured.dead_outputs != dead or 0 in dead or not 0 <= measured.dead_share <= 1:
        # The share of images in dead classes is unknown until the next measurement, and in a damaged recording.
        longest = ()
    else:
        # Rounded up, so that the bound holds.
        most = math.ceil(round(100 * (1 - measured.dead_share), 6))
        longest = (
            f"{count}: {meaning}; accuracy on these images cannot exceed {most} %",
            f"{count}: {brief}, accuracy ≤ {most} %",
            f"{counted}: {brief}, accuracy ≤ {most} %",
        )
    if 0 in dead:
        # The list of classes that are never predicted would not match the count.
        listed = _listed(dead)
        forms = (*longest, f"{count}: {listed}; {meaning}", f"{count}: {listed}", f"{counted}: {listed}", count)
    else:
        short = f"{counted}: {brief.removeprefix('classes ')}"
        forms = (*longest, f"{count}: {meaning}", f"{count}: {brief}", f"{counted}: {brief}", short, count)
    return tuple(sorted(dict.fromkeys(forms), key=len, reverse=True))


def _never_predicted(dead: tuple[int, ...]) -> Sentence:
    """What dead outputs mean, in a long and a brief form. Where every output is 0, the prediction is class 0."""
    others = [output for output in dead if output]
    if not others:
        return "class 0 is predicted only if all outputs are 0", "class 0 only if all are 0"
    noun, verb = ("classes", "are") if len(others) > 1 else ("class", "is")
    long, brief = f"{noun} {_listed(others)} {verb} never predicted", f"{noun} {_listed(others)} never predicted"
    if 0 not in dead:
        return long, brief
    return f"{long}, class 0 only if all outputs are 0", f"{brief}, 0 only if all outputs are 0"


def _listed(outputs: Iterable[int]) -> str:
    return " ".join(map(str, outputs))


# What the rule does


def _effects(state: RunState, lane: LaneState, measured: Diagnosed) -> Iterator[Sentence]:
    """What the rule did at the last measurement; nothing if the rule is newer than that."""
    total, step = measured.total, measured.step
    with_rule = step + 1 - (lane.rule_since or 0)
    if with_rule < 1:
        return
    if isinstance(recorded_rule(lane.rule), NoClip):
        if state.watched:
            # What the loop itself does to the gradient is the audit's to say.
            return
        yield (
            f"the optimizer gets the raw gradient: ‖g‖ was {size(total.norm)} at step {step:,}",
            f"raw gradient: ‖g‖ {size(total.norm)} at step {step:,}",
            f"raw gradient: ‖g‖ {size(total.norm)}",
        )
    elif with_rule == 1 and total.changed == 0:
        yield "the rule did not clip its first step", "did not clip its first step", "clipped nothing lately"
    elif 0 in (recently := recent_share(lane, measured), measured.engaged_recently):
        steps = f"last {RECENT_STEPS} steps" if with_rule >= RECENT_STEPS else f"{with_rule} steps with this rule"
        yield f"the rule clipped none of the {steps}", f"clipped none of the {steps}", "clipped nothing lately"
    elif total.changed == 0:
        if recently is None:
            return
        part = f"clipped {share(recently)} of the last {recent_steps(lane, measured)} steps"
        yield f"the rule {part}, but not step {step:,}", part, f"clipped {share(recently)}"
    else:
        if _adam_sees_signs(state, lane, measured):
            clipped = share(total.clipped_share_nonzero)
            yield (
                f"{clipped} of the nonzero elements are clipped: Adam sees little more than their signs",
                f"{clipped} of nonzero clipped: Adam sees only signs",
                f"{clipped} clipped: signs only",
            )
        yield _change(lane, measured)


def _adam_sees_signs(state: RunState, lane: LaneState, measured: Diagnosed) -> bool:
    clipped, signs = measured.total.clipped_share_nonzero, measured.total.sign_cosine
    by_value = isinstance(recorded_rule(lane.rule), ValueClip)
    return bool(
        uses_adam(state, lane) and by_value and clipped and clipped > NEARLY_ALL and signs and signs > SIGNS_ONLY
    )


def _change(lane: LaneState, measured: Diagnosed) -> Sentence:
    """What the rule changed at this step."""
    total, rule = measured.total, recorded_rule(lane.rule)
    cosine = "" if total.cosine is None else f"cos {decimal(total.cosine)}"
    if isinstance(rule, ValueClip | SignClip):
        part, direction = share(total.clipped_share), f", direction kept to {cosine}" if cosine else ""
        return (
            f"clipping changed {part} of elements{direction}",
            f"changed {part} of elements" + (f", {cosine}" if cosine else ""),
            f"changed {part} of elements",
        )
    # These rules scale the whole gradient by one number.
    keeps = isinstance(rule, NormClip | AutoClip | ZClip)
    direction = ", direction kept" if keeps else f", direction kept to {cosine}" if cosine else ""
    norms = f"{size(total.norm)} to {size(total.clipped_norm)}"
    return f"clipping scaled ‖g‖ from {norms}{direction}", f"‖g‖ scaled from {norms}", f"‖g‖ {norms}"
