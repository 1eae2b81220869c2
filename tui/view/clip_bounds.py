"""The next tighter or looser bound along 1-2-5, and clipping switched off and on."""

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

_MANTISSAS = (1, 2, 5, 10)
SMALLEST, LARGEST = 1e-10, 1e3
PERCENTILES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0)


def has_bound(rule: RecordedRule) -> bool:
    """Whether there is a number to step."""
    return not isinstance(rule, NoClip | SignClip | UnknownRule) and rule != ZClip()


def stepped(rule: RecordedRule, direction: int) -> RecordedRule:
    """The rule with its number at the next (1) or previous (-1) of 1, 2, 5, 10, 20, ...; without one it stays.

    A percentile goes along `PERCENTILES`.
    """
    if not has_bound(rule):
        return rule
    match rule:
        case ValueClip(low=low, high=high):
            return ValueClip(_side(low, direction), _side(high, direction))
        case AutoClip(percentile=percentile):
            return AutoClip(_percentile(percentile, direction))
        case NormClip(bound=bound):
            return NormClip(_size(bound, direction))
        case LayerNormClip(bound=bound):
            return LayerNormClip(_size(bound, direction))
        case AdaptiveClip(ratio=ratio):
            return AdaptiveClip(_size(ratio, direction))
        case ZClip(threshold=threshold):
            return ZClip(_size(threshold, direction))
        case NoClip() | SignClip() | UnknownRule():
            return rule


def _side(bound: float | None, direction: int) -> float | None:
    return bound if bound is None or bound == 0 else math.copysign(_size(abs(bound), direction), bound)


def _size(size: float, direction: int) -> float:
    if not (size < LARGEST if direction > 0 else size > SMALLEST):
        return size
    power = math.floor(math.log10(size) + 1e-9)
    ladder = [mantissa * 10.0**p for p in (power - 1, power, power + 1) for mantissa in _MANTISSAS[:3]]
    if direction > 0:
        wanted = min(step for step in ladder if step > size * (1 + 1e-9))
    else:
        wanted = max(step for step in ladder if step < size * (1 - 1e-9))
    wanted = min(LARGEST, max(SMALLEST, wanted))
    # Through text, so that 10 * 0.0001 is 0.001 to the last bit.
    return float(f"{wanted:.1g}")


def _percentile(percentile: float, direction: int) -> float:
    if direction > 0:
        return min((stop for stop in PERCENTILES if stop > percentile), default=percentile)
    return max((stop for stop in PERCENTILES if stop < percentile), default=percentile)


def toggled(rule: RecordedRule, remembered: str | None) -> str:
    """The rule after clipping was switched: off, or back to what it was before, or to the assignment's."""
    if not isinstance(rule, NoClip):
        return "none"
    return remembered if remembered and remembered != "none" else str(parse_rule("value:0.001"))
