"""A clip rule in plain words, in forms from long to short, as it stands beside a lane's name."""

from __future__ import annotations

from ...core.stream.lane_state import LaneState
from ...core.stream.rules import (
    AdaptiveClip,
    AutoClip,
    LayerNormClip,
    NoClip,
    NormClip,
    RecordedRule,
    SignClip,
    UnknownRule,
    ValueClip,
    ZClip,
    number_text,
)


def rule_since(lane: LaneState) -> int | None:
    """The step since which a lane's rule holds; None if it is the first one, or that of a fork, which has its step."""
    return None if lane.rule_since == lane.forked_at else lane.rule_since


def rule_words(rule: RecordedRule, since: int | None = None, *, watched: bool = False) -> tuple[str, ...]:
    """What the rule does to the gradient, and the step `since` which it holds if it was changed mid-run.

    A `watched` loop without a rule may clip by itself.
    """
    forms = ("observed",) if watched and isinstance(rule, NoClip) else _forms(rule)
    if since is None:
        return forms
    dated = tuple(f"{form} since step {since:,}" for form in forms[:2])
    return *dated, f"{forms[-1]} since {since:,}", forms[-1]


def _forms(rule: RecordedRule) -> tuple[str, ...]:
    match rule:
        case NoClip():
            return ("unclipped",)
        case ValueClip():
            return _value_forms(rule)
        case NormClip(bound=bound):
            return f"clipped: norm at most {number_text(bound)}", f"norm {number_text(bound)}"
        case LayerNormClip(bound=bound):
            return f"clipped: norm of each layer at most {number_text(bound)}", f"layer norm {number_text(bound)}"
        case AdaptiveClip(ratio=ratio):
            return f"clipped: each unit to {number_text(ratio)} of its weights' norm", f"agc {number_text(ratio)}"
        case AutoClip(percentile=percentile):
            number = number_text(percentile)
            return f"clipped: norm at most percentile {number} of those so far", f"autoclip {number}"
        case ZClip(threshold=threshold):
            number = number_text(threshold)
            return f"clipped: norms more than {number} deviations above the mean", f"zclip {number}"
        case SignClip():
            return "clipped: every element to its sign", "signs only"
        case UnknownRule(text=text):
            return (text,)


def _value_forms(rule: ValueClip) -> tuple[str, ...]:
    low, high = number_text(rule.low), number_text(rule.high)
    if rule.high is None:
        return f"clipped: every element at least {low}", f"value ≥ {low}", f"≥{low}"
    if rule.low is None:
        return f"clipped: every element at most {high}", f"value ≤ {high}", f"≤{high}"
    if rule.low == -rule.high:
        return f"clipped: every element within ±{high}", f"value ±{high}", f"±{high}"
    return f"clipped: every element from {low} to {high}", f"value {low} to {high}", f"{low} to {high}"
