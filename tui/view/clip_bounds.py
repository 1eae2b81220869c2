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


def stepped(rule: RecordedRule, direction: int, start: RecordedRule | None = None) -> RecordedRule:
    """The rule with its number moved up (1) or down (-1) in the series 1, 2, 5, 10, 20, ...

    A rule without a number is returned as it is. The percentile of autoclip moves along `PERCENTILES`. The number of
    `start`, the rule that the lane began with, is one more stop if it is a rule of this kind.
    """
    if not has_bound(rule):
        return rule
    match rule, start if isinstance(start, type(rule)) else rule:
        case ValueClip(), ValueClip(low=low, high=high):
            return ValueClip(_side(rule.low, direction, low), _side(rule.high, direction, high))
        case AutoClip(percentile=percentile), AutoClip(percentile=first):
            return AutoClip(_percentile(percentile, direction, first))
        case NormClip(bound=bound), NormClip(bound=first):
            return NormClip(next_size(bound, direction, first))
        case LayerNormClip(bound=bound), LayerNormClip(bound=first):
            return LayerNormClip(next_size(bound, direction, first))
        case AdaptiveClip(ratio=ratio), AdaptiveClip(ratio=first):
            return AdaptiveClip(next_size(ratio, direction, first))
        case ZClip(threshold=threshold), ZClip(threshold=first):
            return ZClip(next_size(threshold, direction, first))
        case _:
            return rule


def _side(bound: float | None, direction: int, start: float | None) -> float | None:
    if not bound:
        return bound
    return math.copysign(next_size(abs(bound), direction, abs(start) if start else None), bound)


def _percentile(percentile: float, direction: int, start: float) -> float:
    stops = {*PERCENTILES, start}
    if direction > 0:
        return min((stop for stop in stops if stop > percentile), default=percentile)
    return max((stop for stop in stops if stop < percentile), default=percentile)


def toggled(rule: RecordedRule, remembered: str | None) -> str:
    """`none` if the lane clips; otherwise the remembered rule, or the default value:0.001."""
    if not isinstance(rule, NoClip):
        return "none"
    return remembered if remembered and remembered != "none" else str(parse_rule("value:0.001"))
