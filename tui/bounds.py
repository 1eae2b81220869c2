"""The next tighter or looser bound along 1-2-5, and clipping switched off and on."""

from __future__ import annotations

import math

from ..core.rules import NoClip, Rule, ValueClip, parse_rule

_MANTISSAS = (1, 2, 5, 10)
SMALLEST, LARGEST = 1e-10, 1e3


def stepped(rule: Rule, direction: int) -> Rule:
    """The rule with each bound at the next (1) or previous (-1) of 1, 2, 5, 10, 20, ...; no clipping stays none."""
    if isinstance(rule, NoClip):
        return rule
    return ValueClip(_side(rule.low, direction), _side(rule.high, direction))


def _side(bound: float | None, direction: int) -> float | None:
    if bound is None or bound == 0:
        return bound
    size = abs(bound)
    if not (size < LARGEST if direction > 0 else size > SMALLEST):
        return bound
    power = math.floor(math.log10(size) + 1e-9)
    ladder = [mantissa * 10.0**p for p in (power - 1, power, power + 1) for mantissa in _MANTISSAS[:3]]
    if direction > 0:
        wanted = min(step for step in ladder if step > size * (1 + 1e-9))
    else:
        wanted = max(step for step in ladder if step < size * (1 - 1e-9))
    wanted = min(LARGEST, max(SMALLEST, wanted))
    # Through text, so that 10 * 0.0001 is 0.001 to the last bit.
    return math.copysign(float(f"{wanted:.1g}"), bound)


def toggled(rule: Rule, remembered: str | None) -> str:
    """The rule after clipping was switched: off, or back to what it was before, or to the assignment's."""
    if not isinstance(rule, NoClip):
        return "none"
    return remembered if remembered and remembered != "none" else str(parse_rule("value:0.001"))
