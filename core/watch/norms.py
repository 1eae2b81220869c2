"""The norm of all gradients of a step, as one number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from .gradient_sample import elements

# Norms in this range lost nothing to overflow or underflow of their float32 squares.
_SAFE_LOW, _SAFE_HIGH = 1e-12, 1e18
_PRECISE = (torch.float32, torch.float64)

# On the CPU a plain number. On another device a tensor that stays there, because reading it would wait for the device.
Norm = float | Tensor


def total_norm(gradients: Sequence[Tensor]) -> Norm:
    """The L2 norm over all elements of all gradients."""
    if not gradients:
        return 0.0
    if all(each.is_cpu and each.layout == torch.strided for each in gradients):
        return _cpu_norm(gradients)
    if all(each.layout == torch.strided and each.dtype in _PRECISE for each in gradients):
        norm = get_total_norm(gradients)
        # Of gradients that are split over processes, each process has a part of the norm.
        return getattr(norm, "full_tensor", lambda: norm)()
    return get_total_norm([elements(each).float() for each in gradients])


def _cpu_norm(gradients: Sequence[Tensor]) -> float:
    norm = math.hypot(*_norms(gradients, None))
    if not _SAFE_LOW < norm < _SAFE_HIGH:
        norm = math.hypot(*_norms(gradients, torch.float64))
    return norm


def _norms(gradients: Sequence[Tensor], dtype: torch.dtype | None) -> list[float]:
    # 16-bit gradients have sums of their own dtype otherwise, with three digits.
    real = [torch.view_as_real(each) if each.is_complex() else each for each in gradients]
    return [
        torch.linalg.vector_norm(each, dtype=dtype or (None if each.dtype in _PRECISE else torch.float32)).item()
        for each in real
    ]
