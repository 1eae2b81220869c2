"""Figures of gradients that may be sparse, complex or of 16 bits, and what a sample of them shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# The most elements of a parameter in a sample.
_SAMPLED = 256
# Elements smaller than this share of the largest one are too imprecise for a ratio.
_PRECISE = 1e-3
# Dividing by a GradScaler's scale changes an element by no more than this.
_ROUNDING = 2e-6
# How far a norm may be from the bound that it was set to, by the type of the gradient.
_PRECISION = {torch.float16: 2e-3, torch.bfloat16: 1.6e-2}


def elements(gradient: Tensor) -> Tensor:
    """The elements of a gradient of this process as a dense, real tensor; a view where there is one."""
    gradient = gradient.detach()
    if hasattr(gradient, "to_local"):
        gradient = gradient.to_local()  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
    if gradient.layout == torch.sparse_coo:
        gradient = gradient.coalesce().values()
    elif gradient.layout != torch.strided:
        gradient = gradient.values()
    return torch.view_as_real(gradient) if gradient.is_complex() else gradient


def norm(gradient: Tensor) -> Tensor:
    """‖g‖ on the gradient's device, in float32 at least: the squares of 16 bits overflow."""
    values = elements(gradient)
    return torch.linalg.vector_norm(values, dtype=torch.promote_types(values.dtype, torch.float32))


def largest(gradient: Tensor) -> Tensor:
    """The largest |g|, on the gradient's device."""
    return torch.linalg.vector_norm(elements(gradient), math.inf)


def sample(gradient: Tensor) -> Tensor:
    """A copy of a few elements, always the same ones."""
    values = elements(gradient).reshape(-1)
    return values[:: max(1, -(-values.numel() // _SAMPLED))].clone()


def writes(gradient: Tensor) -> int:
    """How often torch has written to the tensor in place; writes to its `data` do not count."""
    return -1 if gradient.is_inference() else gradient._version


def precision(gradients: Sequence[Tensor]) -> float:
    """How far a norm that was set to a bound may be from it, relatively."""
    return max((_PRECISION.get(gradient.dtype, 2e-5) for gradient in gradients), default=2e-5)


def numbers(tensors: Sequence[Tensor]) -> list[float]:
    """Scalars of any device and type as numbers, waiting once."""
    if not tensors:
        return []
    device = tensors[0].device
    return torch.stack([each.to(device, torch.float64, non_blocking=True) for each in tensors]).tolist()


class SampledChange(NamedTuple):
    """What a sample shows of a change; see `Comparison`."""

    equal: bool
    ratios: tuple[float, float]
    clamped: bool


def sampled_change(left: Sequence[Tensor], used: Sequence[Tensor], scale: float, bound: float) -> SampledChange:
    """Compare samples of what `backward` left, times `scale`, with what the optimizer gets, at most `bound`."""
    before, after = _joined(left) / scale, _joined(used)
    if not before.numel() or not before.any():
        return SampledChange(not after.any(), (1.0, 1.0), clamped=False)
    size = before.abs()
    ratios = (after / before)[size >= _PRECISE * size.max()]
    limited = before.clamp(-bound, bound)
    return SampledChange(
        equal=bool(torch.allclose(after, before, rtol=_ROUNDING, atol=0)),
        ratios=(float(ratios.min()), float(ratios.max())),
        clamped=bool(torch.allclose(after, limited, rtol=_ROUNDING, atol=0)),
    )


def _joined(samples: Sequence[Tensor]) -> Tensor:
    if not samples:
        return torch.zeros(0, dtype=torch.float64)
    device = samples[0].device
    return torch.cat([each.to(device, torch.float32, non_blocking=True) for each in samples]).cpu().double()
