"""What each clip rule of `rules` does to a gradient."""

from __future__ import annotations

from torch import Tensor

from .rules import NoClip, Rule


def clip_(gradient: Tensor, rule: Rule) -> Tensor:
    """Clip `gradient`, of any shape, in place and return it; NaN stays NaN, infinity becomes the bound."""
    if isinstance(rule, NoClip):
        return gradient
    return gradient.clamp_(rule.low, rule.high)
