"""Clip rules for stacked gradients: the stateless rules of `core.clipping`, for many replicas at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...experiments.lenet.network import LAYOUT
from ...stream.rules import LayerNormClip, NormClip, Rule, SignClip, ValueClip


def clip_stacked_(gradient: Tensor, rule: Rule) -> None:
    """Clip gradients (replicas, PARAMETERS) in place, each replica on its own."""
    match rule:
        case ValueClip(low=low, high=high):
            gradient.clamp_(low, high)
        case NormClip(bound=bound):
            _scale_(gradient, bound)
        case LayerNormClip(bound=bound):
            for layer in gradient.split(list(LAYOUT.layers.values()), 1):
                _scale_(layer, bound)
        case SignClip():
            _sign_(gradient)
        case _:
            pass


def _sign_(gradient: Tensor) -> None:
    """Replace each element by its sign. NaN stays NaN, as in `core.clipping`; `torch.sign` gives 0."""
    if math.isfinite(gradient.sum().item()):
        gradient.sign_()
    else:
        gradient.copy_(gradient.sign().masked_fill_(gradient.isnan(), math.nan))


def _scale_(gradient: Tensor, bound: float) -> None:
    """Scale each row so that its norm is at most `bound`. Norms are float64, because squares overflow float32."""
    norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True, dtype=torch.float64)
    gradient.mul_(torch.where(norm <= bound, 1.0, bound / norm))
