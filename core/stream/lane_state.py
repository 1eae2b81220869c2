"""The present state of one lane, as a pure fold of its events."""

from __future__ import annotations

import math
import struct
from typing import Literal

import msgspec

from .events import (
    Change,
    ClipChanged,
    Diagnosed,
    Evaluated,
    LaneEvent,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    LearningRateChanged,
    LoopAudited,
    LoopEnded,
    MomentsReset,
    OutputDied,
    OutputRevived,
    PaceChanged,
    StepsSkipped,
    StepsTrained,
)
from .limits import MOST
from .watch_events import CLIPPING

Going = Literal["training", "paused", "stepping"]
LaneStatus = Literal[Going, "completed", "stopped", "failed"]


class LaneState(msgspec.Struct, frozen=True, kw_only=True):
    """One lane.

    Attributes:
        learning_rate: before any schedule; None if unknown. `starting_rate`: the first one, for a fork its parent's.
        parent: the lane that it was forked from after `forked_at` steps.
        step: the number of steps known to be done.
        going: what the lane does unless it has ended.
        newest_norm: the last step with a finite gradient norm before clipping, and that norm.
        peak: the largest norm in the newest `StepsTrained`; `diagnosed_peak`: what it was at the last measurement.
        outputs_changed: the outputs that died and recovered.
        clip_at: the rules that the settings plan for later, by step.
        changed_at: the steps at which a command changed its rule; `rate_changed_at`, `reset_at`: likewise its learning
            rate and its optimizer state.
        own_clipped: of a fork, how many of its own steps were clipped, of how many that are known, and the step up to
            which they were counted.
        began: the step and the seconds at which it last started; None if it was paused since then.
        history: all changes, planned ones too; before its own those of the lanes that it was forked from.
        rule_since: the step from which the present rule holds; None if it is the first one.
        audit: of a watched loop, the findings that hold; `skipped`: how many steps its GradScaler skipped;
            `loop_ended`: its end.
    """

    name: str
    rule: str
    iterations: int
    learning_rate: float | None = None
    starting_rate: float | None = None
    parent: str | None = None
    forked_at: int | None = None
    step: int = 0
    going: Going = "training"
    pace: float | None = None
    started: float = 0.0
    latest: Evaluated | None = None
    newest_norm: tuple[int, float] | None = None
    peak: float | None = None
    diagnosed: Diagnosed | None = None
    diagnosed_peak: float | None = None
    outputs_changed: tuple[OutputDied | OutputRevived, ...] = ()
    finished: LaneFinished | None = None
    failed: LaneFailed | None = None
    clip_at: dict[int, str] = {}
    changed_at: tuple[int, ...] = ()
    rate_changed_at: tuple[int, ...] = ()
    reset_at: tuple[int, ...] = ()
    history: tuple[Change, ...] = ()
    rule_since: int | None = None
    watched: bool = False
    own_clipped: tuple[int, int, int] = (0, 0, 0)
    began: tuple[int, float] | None = None
    audit: dict[str, LoopAudited] = {}
    skipped: int = 0
    loop_ended: LoopEnded | None = None

    @property
    def planned(self) -> int | None:
        """How many steps are planned; None if no end is."""
        return None if self.iterations == MOST else self.iterations

    @property
    def changed_mid_run(self) -> bool:
        """Whether a command has changed how the lane trains."""
        return bool(self.changed_at or self.rate_changed_at or self.reset_at)

    @property
    def own_steps(self) -> int:
        """The steps that it has done since it was forked; of another lane, all."""
        return self.step - (self.forked_at or 0)

    @property
    def own_share_clipped(self) -> float | None:
        """The share of a fork's own steps that were clipped, as far as counted; None if some of them are not known."""
        clipped, known, last = self.own_clipped
        return clipped / known if known and known == last - (self.forked_at or 0) else None

    @property
    def ended(self) -> bool:
        """Whether the lane completed, was stopped or failed."""
        return self.finished is not None or self.failed is not None or self.loop_ended is not None

    @property
    def status(self) -> LaneStatus:
        """How the lane ended, or what it does."""
        if self.failed:
            return "failed"
        end = self.finished or self.loop_ended
        return end.reason if end else self.going


def apply_to_lane(lane: LaneState, event: LaneEvent) -> LaneState:
    """The lane's state after one more of its events."""
    replace, step = msgspec.structs.replace, event.step
    match event:
        case Evaluated():
            return replace(lane, step=step + 1, latest=event)
        case StepsTrained():
            newest = _newest_norm(event) or lane.newest_norm
            counted = _count_clipped(lane, event) if lane.parent is not None else lane.own_clipped
            return replace(lane, step=step + 1, newest_norm=newest, peak=_largest_norm(event), own_clipped=counted)
        case Diagnosed():
            audit = _with_newest_share(lane.audit, event)
            return replace(lane, diagnosed=event, diagnosed_peak=lane.peak, audit=audit)
        case OutputDied() | OutputRevived():
            return replace(lane, outputs_changed=(*lane.outputs_changed, event))
        case LaneStarted(iterations=iterations, rule=rule):
            rate = lane.learning_rate if event.learning_rate is None else event.learning_rate
            begun = replace(lane, step=step, going="training", rule=rule, iterations=iterations, learning_rate=rate)
            return replace(begun, finished=None, failed=None, loop_ended=None, began=(step, event.seconds))
        case ClipChanged(rule=rule):
            changed_at = lane.changed_at if lane.clip_at.get(step) == rule else (*lane.changed_at, step)
            return replace(_with_change(lane, event), rule=rule, changed_at=changed_at, rule_since=step)
        case LearningRateChanged(rate=rate):
            changed = _with_change(lane, event)
            return replace(changed, learning_rate=rate, rate_changed_at=(*lane.rate_changed_at, step))
        case MomentsReset():
            return replace(_with_change(lane, event), reset_at=(*lane.reset_at, step))
        case LanePaused():
            return replace(lane, step=step, going="paused", began=None)
        case LaneResumed():
            return replace(lane, step=step, going="training")
        case LaneStepped():
            return replace(lane, step=step, going="stepping")
        case PaceChanged(pace=pace):
            return replace(lane, step=step, pace=pace)
        case LaneExtended(iterations=iterations):
            # A lane that has done its steps trains on, even if it was paused as it ended.
            going = "training" if lane.finished else lane.going
            return replace(lane, step=step, going=going, iterations=iterations, finished=None)
        case LaneFinished():
            return replace(lane, step=step, finished=event)
        case LoopAudited():
            return replace(lane, audit=_with_finding(lane.audit, event))
        case StepsSkipped(count=count):
            return replace(lane, skipped=lane.skipped + count)
        case LoopEnded():
            return replace(lane, step=step, loop_ended=event)
        case LaneFailed():
            return replace(lane, step=step, failed=event)
        case _:
            return lane


def _with_change(lane: LaneState, change: Change) -> LaneState:
    """The lane with one more change in its history, in which those that a resumed run recorded again count once."""
    others = (known for known in lane.history if known != change)
    history = sorted((*others, change), key=lambda known: known.step)
    return msgspec.structs.replace(lane, step=change.step, history=tuple(history))


def _with_finding(audit: dict[str, LoopAudited], event: LoopAudited) -> dict[str, LoopAudited]:
    """The findings that hold after one more event."""
    replaced = {event.finding, *(CLIPPING if event.finding in CLIPPING else ())}
    others = {finding: known for finding, known in audit.items() if finding not in replaced}
    return others if event.gone else {**others, event.finding: event}


def _with_newest_share(audit: dict[str, LoopAudited], event: Diagnosed) -> dict[str, LoopAudited]:
    """The findings with the newest share of clipped steps, which the audit sends only when it has changed much."""
    for finding, known in audit.items():
        # Of all steps, if they are known: some were clipped, or the finding counts steps and not measured ones.
        if finding in ("clips-norm", "clips-value") and (event.engaged or "steps" in known.figures):
            figures = {name: value for name, value in known.figures.items() if name != "measured"}
            figures |= {"share": event.engaged, "steps": event.step + 1.0}
            return {**audit, finding: msgspec.structs.replace(known, step=event.step, figures=figures)}
    return audit


def _newest_norm(event: StepsTrained) -> tuple[int, float] | None:
    """The newest step with a finite norm, and that norm."""
    for back in range(1, len(event.clipped) + 1):
        (norm,) = struct.unpack_from("<f", event.norms, len(event.norms) - 4 * back)
        if math.isfinite(norm):
            return event.step + 1 - back, norm
    return None


def _count_clipped(lane: LaneState, event: StepsTrained) -> tuple[int, int, int]:
    """`own_clipped` with the steps of one more event, those that a resumed run logged again counted once."""
    clipped, known, last = lane.own_clipped
    fresh = event.clipped[max(0, len(event.clipped) - max(0, event.step + 1 - last)) :]
    return clipped + sum(fresh), known + len(fresh), max(last, event.step + 1)


def _largest_norm(event: StepsTrained) -> float | None:
    """The largest finite norm before clipping; None if there is none."""
    norms = struct.unpack(f"<{len(event.norms) // 4}f", event.norms)
    return max(filter(math.isfinite, norms), default=None)
