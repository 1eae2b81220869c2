"""The transient after a change of rule: Adam's second moment still holds gradients from before the change."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.stream.events import ClipChanged, MomentsReset
from ...core.stream.rules import NoClip, NormClip, RecordedRule, ValueClip, recorded_rule

# The half-life of Adam's second moment in steps: log 0.5 / log 0.999.
HALF_LIFE = 693
_SMALLER = "clipped elements take smaller steps for hundreds of steps"
_SPIKE = "a few larger steps, often with a loss spike"


def memory_words(change: ClipChanged) -> tuple[str, str]:
    """A long and a short sentence on what follows a change of rule that keeps the optimizer state."""
    tightness = _tightness(recorded_rule(change.previous), recorded_rule(change.rule))
    long, short = {
        1: (_SMALLER, "smaller steps"),
        -1: (_SPIKE, "often a loss spike"),
        0: ("steps take time to adapt", "steps adapt slowly"),
    }[tightness]
    return (
        f"Adam's second moment adapts slowly (half-life {HALF_LIFE} steps): {long}",
        f"{short} (Adam's half-life: {HALF_LIFE} steps)",
    )


def _tightness(before: RecordedRule, after: RecordedRule) -> int:
    """1 if the new rule clips more than the old one, -1 if it clips less, 0 if the two cannot be compared."""
    match before, after:
        case NoClip(), _:
            return 1
        case _, NoClip():
            return -1
        case NormClip(bound=old), NormClip(bound=new):
            return (new < old) - (new > old)
        case ValueClip(high=float(old)), ValueClip(high=float(new)) if _symmetric(before) and _symmetric(after):
            return (new < old) - (new > old)
        case _:
            return 0


def _symmetric(rule: RecordedRule) -> bool:
    return isinstance(rule, ValueClip) and rule.low is not None and rule.low == -(rule.high or 0)


def transients(changes: Iterable[ClipChanged | MomentsReset]) -> list[tuple[int, int]]:
    """The (first, last) steps of each transient: one half-life from a change of rule, or until the state is reset."""
    intervals: list[tuple[int, int]] = []
    for change in changes:
        reset = isinstance(change, MomentsReset) or change.moments_reset
        if intervals and intervals[-1][1] >= change.step:
            # A change during a transient extends it; a reset ends it.
            intervals[-1] = intervals[-1][0], change.step if reset else change.step + HALF_LIFE
        elif not reset:
            intervals.append((change.step, change.step + HALF_LIFE))
    return intervals
