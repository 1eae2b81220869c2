"""Clip rules on stacked gradients: those of `core.clipping` that remember nothing, for many replicas at once."""

from __future__ import annotations

import torch
from torch import Tensor

from ..rules import LayerNormClip, NormClip, Rule, SignClip, ValueClip


def clip_stacked_(gradients: list[Tensor], rule: Rule, first: int, stride: int) -> None:
    """Clip in place every `stride`th replica from `first` on; tensors (replicas, ...) as in `lenet.SHAPES`."""
    mine = [gradient[first::stride] for gradient in gradients]
    match rule:
        case ValueClip(low=low, high=high):
            for gradient in mine:
                gradient.clamp_(low, high)
        case NormClip(bound=bound):
            _scale_(mine, bound)
        case LayerNormClip(bound=bound):
            for layer in range(0, len(mine), 2):
                _scale_(mine[layer : layer + 2], bound)
        case SignClip():
            for gradient in mine:
                gradient.sign_()
        case _:
            pass


def _scale_(gradients: list[Tensor], bound: float) -> None:
    """Scale each replica's tensors together so that their norm is at most `bound`; float64, as squares overflow."""
    norms = [torch.linalg.vector_norm(gradient.flatten(1), dim=1, dtype=torch.float64) for gradient in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    scale = torch.where(norm <= bound, 1.0, bound / norm)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
