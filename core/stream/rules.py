"""Clip rules as data, and the grammar that reads and writes them: `none`, `value:c`, `norm:C`, `zclip`, ...

The folder `clipping` applies a rule to a gradient.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from ..errors import BadInput

Z_THRESHOLD = 2.5


class NoClip(msgspec.Struct, frozen=True):
    """Leaves the gradient as it is."""

    def __str__(self) -> str:
        return "none"


class ValueClip(msgspec.Struct, frozen=True):
    """Clamps every gradient element to [low, high]. A side that is None is unbounded.

    T. Mikolov, "Statistical Language Models Based on Neural Networks", PhD thesis, Brno, 2012.
    """

    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.high is not None and self.low == -self.high:
            return f"value:{number_text(self.high)}"
        low, high = (number_text(side) for side in (self.low, self.high))
        return f"value:{low}:{high}"


class NormClip(msgspec.Struct, frozen=True):
    """Scales the whole gradient down to the norm `bound` where its norm is larger.

    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.
    """

    bound: float

    def __str__(self) -> str:
        return f"norm:{number_text(self.bound)}"


class LayerNormClip(msgspec.Struct, frozen=True):
    """Scales the gradient of each layer, weights and biases together, down to the norm `bound`.

    A. W. Yu et al., "Block-Normalized Gradient Method", arXiv:1707.04822, 2017.
    """

    bound: float

    def __str__(self) -> str:
        return f"layer-norm:{number_text(self.bound)}"


class AdaptiveClip(msgspec.Struct, frozen=True):
    """Scales the gradient of each unit down to `ratio` times the norm of the unit's weights.

    A. Brock, S. De, S. L. Smith and K. Simonyan, "High-Performance Large-Scale Image Recognition Without
    Normalization", ICML 2021.
    """

    ratio: float

    def __str__(self) -> str:
        return f"agc:{number_text(self.ratio)}"


class AutoClip(msgspec.Struct, frozen=True):
    """Norm clipping whose bound is the `percentile` of all gradient norms so far, the present one included.

    P. Seetharaman, G. Wichern, B. Pardo and J. Le Roux, "AutoClip: Adaptive Gradient Clipping for Source Separation
    Networks", MLSP 2020.
    """

    percentile: float

    def __str__(self) -> str:
        return f"autoclip:{number_text(self.percentile)}"


class ZClip(msgspec.Struct, frozen=True):
    """Scales a gradient down whose norm is more than `threshold` standard deviations above the running mean.

    A. Kumar et al., "ZClip: Adaptive Spike Mitigation for LLM Pre-Training", arXiv:2504.02507, 2025.
    """

    threshold: float = Z_THRESHOLD

    def __str__(self) -> str:
        return "zclip" if self.threshold == Z_THRESHOLD else f"zclip:{number_text(self.threshold)}"


class SignClip(msgspec.Struct, frozen=True):
    """The signs of the elements: the limit of value clipping, divided by its bound, as the bound goes to 0.

    J. Bernstein et al., "signSGD: Compressed Optimisation for Non-Convex Problems", ICML 2018.
    """

    def __str__(self) -> str:
        return "sign"


class UnknownRule(msgspec.Struct, frozen=True):
    """A rule recorded by another version that this version cannot read. It is shown, but cannot train."""

    text: str

    def __str__(self) -> str:
        return self.text


Rule = NoClip | ValueClip | NormClip | LayerNormClip | AdaptiveClip | AutoClip | ZClip | SignClip
RecordedRule = Rule | UnknownRule


def parse_rule(text: str) -> Rule:
    """The rule that `text` writes. Raises BadInput, which says what is wrong with it."""
    kind, colon, rest = text.strip().partition(":")
    if kind not in _KINDS:
        raise BadInput(f"clip rule {text!r}: not a rule; {_advice(kind, colon + rest)}")
    return _KINDS[kind](rest if colon else None, text)


def _advice(kind: str, rest: str) -> str:
    """What to write instead of a kind that does not exist."""
    try:
        if 0 < float(kind) < math.inf and not rest:
            return f"write value:{kind} to clamp each element, or norm:{kind} to bound the norm"
    except ValueError:
        pass
    near = difflib.get_close_matches(kind, _KINDS, 1)
    return f"did you mean {near[0]}{rest}?" if near else f"write one of {EXAMPLES}"


# A redraw asks for the same few rules many times.
@lru_cache(maxsize=64)
def recorded_rule(text: str) -> RecordedRule:
    """The rule of an event or a recording, which may come from another version."""
    try:
        return parse_rule(text)
    except BadInput:
        return UnknownRule(text)


def require_known(rules: Iterable[str]) -> None:
    """Raise BadInput if this version cannot train with one of these recorded rules."""
    for rule in rules:
        if isinstance(recorded_rule(rule), UnknownRule):
            raise BadInput(f"rule {rule!r}: this version of clipwatch does not know it; use the version that wrote it")


def _bare(rule: Rule) -> Callable[[str | None, str], Rule]:
    def read(rest: str | None, text: str) -> Rule:
        if rest is not None:
            raise BadInput(f"clip rule {text!r}: {rule} stands alone, without a number")
        return rule

    return read


def _bounded(make: Callable[[float], Rule], what: str, example: str) -> Callable[[str | None, str], Rule]:
    def read(rest: str | None, text: str) -> Rule:
        value = _parse_bound(rest or "", text)
        if value is None:
            raise BadInput(f"clip rule {text!r}: write its {what} too, like {example}")
        if value <= 0:
            raise BadInput(f"clip rule {text!r}: the {what} must be above 0")
        return make(value)

    return read


def _value(rest: str | None, text: str) -> Rule:
    sides = (rest or "").split(":")
    if len(sides) > 2 or not any(side.strip() for side in sides):
        raise BadInput(f"clip rule {text!r}: write value:BOUND or value:LOW:HIGH, like value:0.001")
    numbers = [_parse_bound(side, text) for side in sides]
    return _symmetric(numbers[0], text) if len(numbers) == 1 else _interval(numbers[0], numbers[1], text)


def _autoclip(rest: str | None, text: str) -> Rule:
    value = _parse_bound(rest or "", text)
    if value is None or not 0 <= value <= 100:
        raise BadInput(f"clip rule {text!r}: write a percentile from 0 to 100, like autoclip:10")
    return AutoClip(value)


def _zclip(rest: str | None, text: str) -> Rule:
    return ZClip() if rest is None else _bounded(ZClip, "threshold", "zclip:3")(rest, text)


def _parse_bound(side: str, text: str) -> float | None:
    if not side.strip():
        return None
    try:
        value = float(side)
    except ValueError:
        raise BadInput(f"clip rule {text!r}: {side!r} is not a number") from None
    if not math.isfinite(value):
        free = "; leave a side empty to leave it free" if text.strip().startswith("value") else ""
        raise BadInput(f"clip rule {text!r}: a bound must be finite{free}")
    # Adding 0 turns -0 into 0.
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


def number_text(value: float | None) -> str:
    """The shortest text that reads back as the same number; empty for None."""
    return "" if value is None else repr(value).removesuffix(".0")


_KINDS: dict[str, Callable[[str | None, str], Rule]] = {
    "none": _bare(NoClip()),
    "value": _value,
    "norm": _bounded(NormClip, "bound", "norm:1"),
    "layer-norm": _bounded(LayerNormClip, "bound", "layer-norm:1"),
    "agc": _bounded(AdaptiveClip, "ratio", "agc:0.01"),
    "autoclip": _autoclip,
    "zclip": _zclip,
    "sign": _bare(SignClip()),
}


def meaning(rule: Rule) -> str:
    """What the rule does to the gradient."""
    match rule:
        case NoClip():
            return "leave the gradient as it is"
        case ValueClip(low=low, high=None):
            return f"raise elements below {number_text(low)} to it"
        case ValueClip(low=None, high=high):
            return f"lower elements above {number_text(high)} to it"
        case ValueClip(low=low, high=high):
            return f"clamp each element to [{number_text(low)}, {number_text(high)}]"
        case NormClip(bound=bound):
            return f"scale the gradient down to an L2 norm of {number_text(bound)}"
        case LayerNormClip(bound=bound):
            return f"scale each layer's gradient down to an L2 norm of {number_text(bound)}"
        case AdaptiveClip(ratio=ratio):
            return f"scale a unit's gradient down to {number_text(ratio)} of its weights' norm"
        case AutoClip(percentile=percentile):
            return f"scale down to percentile {number_text(percentile)} of the norms so far"
        case ZClip(threshold=threshold):
            return f"scale down norms {number_text(threshold)} standard deviations above the mean"
        case SignClip():
            return "replace each element by its sign"


_EXAMPLES = (
    NoClip(),
    ValueClip(-0.001, 0.001),
    ValueClip(-0.001, 0.002),
    NormClip(1.0),
    LayerNormClip(1.0),
    AdaptiveClip(0.01),
    AutoClip(10.0),
    ZClip(),
    SignClip(),
)
# An example of each rule, and what it does.
MEANINGS = {str(rule): meaning(rule) for rule in _EXAMPLES}
MEANINGS["value:-0.001:0.002"] = "the same with two bounds, of which one may be empty"
EXAMPLES = ", ".join(MEANINGS)
