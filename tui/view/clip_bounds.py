"""The next tighter or looser bound (1-2-5 series), and clipping toggled off and on."""

from __future__ import annotations

import math

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
    parse_rule,
)
from .ladder import next_size

PERCENTILES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0)


def has_bound(rule: RecordedRule) -> bool:
    """Whether the rule has a number to step."""
    return not isinstance(rule, NoClip | SignClip | UnknownRule) and rule != ZClip()


def stepped(rule: RecordedRule, direction: int) -> RecordedRule:
    """The rule with its number moved up (1) or down (-1) in the series 1, 2, 5, 10, 20, ...

    A rule without a number is returned as it is. The percentile of autoclip moves along `PERCENTILES`.
    """
    if not has_bound(rule):
        return rule
    match rule:
        case ValueClip(low=low, high=high):
            return ValueClip(_side(low, direction), _side(high, direction))
        case AutoClip(percentile=percentile):
            return AutoClip(_percentile(percentile, direction))
        case NormClip(bound=bound):
            return NormClip(next_size(bound, direction))
        case LayerNormClip(bound=bound):
            return LayerNormClip(next_size(bound, direction))
        case AdaptiveClip(ratio=ratio):
            return AdaptiveClip(next_size(ratio, direction))
        case ZClip(threshold=threshold):
            return ZClip(next_size(threshold, direction))
        case NoClip() | SignClip() | UnknownRule():
            return rule


def _side(bound: float | None, direction: int) -> float | None:
    return bound if bound is None or bound == 0 else math.copysign(next_size(abs(bound), direction), bound)


def _percentile(percentile: float, direction: int) -> float:
    if direction > 0:
        return min((stop for stop in PERCENTILES if stop > percentile), default=percentile)
    return max((stop for stop in PERCENTILES if stop < percentile), default=percentile)


def toggled(rule: RecordedRule, remembered: str | None) -> str:
    """`none` if the lane clips; otherwise the remembered rule, or the default value:0.001."""
    if not isinstance(rule, NoClip):
        return "none"
    return remembered if remembered and remembered != "none" else str(parse_rule("value:0.001"))
