"""What Adam still remembers when a rule changes: said in plain words, and for how long the charts shade it."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.stream.events import ClipChanged, MomentsReset
from ...core.stream.rules import NoClip, NormClip, RecordedRule, ValueClip, recorded_rule

# The half-life of Adam's second moment in steps: log 0.5 / log 0.999.
HALF_LIFE = 693
_KNOWN = f"remembers (half-life {HALF_LIFE} steps)"
_SHRINKS = "where it clips, steps shrink for hundreds of steps"
_KICKS = "a kick of a few steps, larger than usual"


def memory_words(change: ClipChanged) -> tuple[str, str]:
    """What is seen after a rule changed while the moments stayed, in a sentence and in few words."""
    tightness = _tightness(recorded_rule(change.previous), recorded_rule(change.rule))
    long, short = {1: (_SHRINKS, "steps shrink"), -1: (_KICKS, "a kick"), 0: ("steps take time to adapt", "")}[
        tightness
    ]
    return f"Adam's second moment {_KNOWN}: {long}", f"Adam {_KNOWN}{f': {short}' if short else ''}"


def _tightness(before: RecordedRule, after: RecordedRule) -> int:
    """1 where the rule clips more than it did, -1 where it clips less, 0 where that cannot be told."""
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
    """The stretches of steps, first and last, in which the moments still remember another rule."""
    found: list[tuple[int, int]] = []
    for change in changes:
        ends_here = isinstance(change, MomentsReset) or change.moments_reset
        if found and found[-1][1] >= change.step:
            # The stretch under way ends here, or runs on from here.
            found[-1] = found[-1][0], change.step if ends_here else change.step + HALF_LIFE
        elif not ends_here:
            found.append((change.step, change.step + HALF_LIFE))
    return found
