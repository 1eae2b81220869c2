"""Clip rules as data, and the one grammar that writes them: `none`, `value:c`, `value:low:high`.

What a rule does to a gradient is in `clipping`; this module starts without torch.
"""

from __future__ import annotations

import math

import msgspec

from .errors import BadInput

EXAMPLES = "none, value:0.001, value:-0.001:0.002"


class NoClip(msgspec.Struct, frozen=True):
    """The gradient as it is."""

    def __str__(self) -> str:
        return "none"


class ValueClip(msgspec.Struct, frozen=True):
    """Every gradient component is kept within [low, high]; a side that is None is free."""

    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.high is not None and self.low == -self.high:
            return f"value:{_number(self.high)}"
        low, high = (_number(side) for side in (self.low, self.high))
        return f"value:{low}:{high}"


Rule = NoClip | ValueClip


def parse_rule(text: str) -> Rule:
    """The rule that `text` writes; BadInput names what is wrong with it."""
    if text.strip() == "none":
        return NoClip()
    kind, _, rest = text.strip().partition(":")
    if kind != "value":
        raise BadInput(f"clip rule {text!r}: not a rule; write one of {EXAMPLES}")
    sides = rest.split(":")
    if len(sides) > 2 or not any(side.strip() for side in sides):
        raise BadInput(f"clip rule {text!r}: write value:BOUND or value:LOW:HIGH, like value:0.001")
    numbers = [_parse_bound(side, text) for side in sides]
    return _symmetric(numbers[0], text) if len(numbers) == 1 else _interval(numbers[0], numbers[1], text)


def _parse_bound(side: str, text: str) -> float | None:
    if not side.strip():
        return None
    try:
        value = float(side)
    except ValueError:
        raise BadInput(f"clip rule {text!r}: {side!r} is not a number") from None
    if not math.isfinite(value):
        raise BadInput(f"clip rule {text!r}: a bound must be finite; leave a side empty to leave it free")
    # Adding 0 makes -0 the same as 0, in spelling too.
    return value + 0.0


def _symmetric(bound: float | None, text: str) -> ValueClip:
    if bound is None or bound <= 0:
        raise BadInput(f"clip rule {text!r}: the bound must be above 0")
    return ValueClip(-bound, bound)


def _interval(low: float | None, high: float | None, text: str) -> ValueClip:
    if low is not None and high is not None and low >= high:
        raise BadInput(f"clip rule {text!r}: the low bound must be below the high bound")
    if (low is not None and low > 0) or (high is not None and high < 0):
        raise BadInput(f"clip rule {text!r}: the interval must contain 0, or it would push where the gradient is 0")
    return ValueClip(low, high)


def _number(value: float | None) -> str:
    # The shortest spelling that is read back as the same number.
    return "" if value is None else repr(value).removesuffix(".0")
