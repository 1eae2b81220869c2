"""Figures of gradients that may be sparse, complex or of 16 bits, and what a sample of them shows."""

from __future__ import annotations

from collections.abc import Sequence

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
    """The largest |g|, on the gradient's device. Eight times as fast as the norm of infinity."""
    low, high = torch.aminmax(elements(gradient))
    return torch.maximum(high, -low)


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


def numbers(scalars: Sequence[Tensor]) -> list[float]:
    """Scalars of any device and type as numbers, waiting once."""
    return torch.stack(_on_one_device(scalars)).tolist() if scalars else []


class SampledChange:
    """What samples of the gradients show of what became of them; see `GradientComparison`."""

    def __init__(self, left: Sequence[Tensor], used: Sequence[Tensor], scale: float) -> None:
        """`left`: of what `backward` left, times `scale`. `used`: of what the optimizer gets."""
        self._before, self._after = _joined(left) / scale, _joined(used)

    @property
    def equal(self) -> bool:
        """Whether nothing was changed but the scale."""
        return self._is_close(self._before)

    @property
    def ratios(self) -> tuple[float, float]:
        """The lowest and the highest ratio of an element to what it was."""
        if not self._before.numel():
            return 1.0, 1.0
        sizes = self._before.abs()
        ratios = (self._after / self._before)[(sizes >= _PRECISE * sizes.max()) & (sizes > 0)]
        return (float(ratios.min()), float(ratios.max())) if ratios.numel() else (1.0, 1.0)

    def is_clamped_to(self, bound: float) -> bool:
        """Whether each element is as it was, or was larger than the bound and is at it."""
        return self._is_close(self._before.clamp(-bound, bound))

    def _is_close(self, values: Tensor) -> bool:
        return torch.allclose(self._after, values, rtol=_ROUNDING, atol=0)


def _joined(samples: Sequence[Tensor]) -> Tensor:
    return torch.cat(_on_one_device(samples)).cpu().double()


def _on_one_device(tensors: Sequence[Tensor]) -> list[Tensor]:
    device = tensors[0].device
    return [each if each.device == device else each.to(device) for each in tensors]
