"""Applies the clip rules of `stream.rules` to gradients.

A clipper does not change the gradient but writes into its own buffer. It runs at every step, so the one pass that it
makes over the gradient (for the extremes, the norm or a sum) also shows whether all elements are finite.

Norms are exact even where the squares overflow or underflow float32: sums of squares outside the safe range are
computed again in float64. A scaled gradient has exactly the bound as its norm. `clip_grad_norm_` divides by the norm
plus 1e-6 instead. That differs by 1e-6 / norm, and at bounds near 1e-6 would shrink gradients that are within them.

Elements that are not finite: value clipping bounds infinity and leaves NaN. As in torch, a norm of infinity turns
infinite elements into NaN and all others into 0, and a NaN turns all elements that share its norm into NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from ..experiments.layout import Layout
from ..experiments.torchscript import compile_function
from ..stream.rules import AdaptiveClip, AutoClip, LayerNormClip, NoClip, NormClip, Rule, SignClip, ValueClip, ZClip
from .norm_history import FixedBound, NormBound, PercentileBound, SpikeBound

# Sums of squares between these lost nothing to overflow or underflow.
_SAFE_LOW, _SAFE_HIGH = 1e-25, 1e37
# A scale below this is imprecise as a float32.
_SAFE_SCALE = 1e-30
# The eps of Brock et al.: without it a unit whose weights are 0 at the start could never change.
WEIGHT_NORM_FLOOR = 1e-3


class Clipper(Protocol):
    """Applies one rule in one lane. `finite` is False if the last gradient may have had NaN or infinity."""

    finite: bool

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        """The clipped gradient, and whether it differs; if not, it is `gradient` itself."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """What later steps depend on: numbers, strings and lists by name."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` of the same rule returned."""
        ...


def make_clipper(rule: Rule, parameters: Tensor, layout: Layout) -> Clipper:
    """A new clipper for gradients of the parameters' shape."""
    if not parameters.numel():
        return _None()
    match rule:
        case NoClip():
            return _None()
        case ValueClip(low=low, high=high):
            return _Value(low, high, parameters)
        case NormClip(bound=bound):
            return _Norm([parameters.numel()], FixedBound(bound), parameters)
        case LayerNormClip(bound=bound):
            return _Norm(list(layout.layers.values()), FixedBound(bound), parameters)
        case AdaptiveClip(ratio=ratio):
            return _Adaptive(ratio, layout, parameters)
        case AutoClip(percentile=percentile):
            return _Norm([parameters.numel()], PercentileBound(percentile), parameters)
        case ZClip(threshold=threshold):
            return _Norm([parameters.numel()], SpikeBound(threshold), parameters)
        case SignClip():
            return _Sign(parameters)


@compile_function
def _clamp(gradient: Tensor, low: float, high: float, out: Tensor) -> tuple[float, float]:
    """Return the extremes; if one is outside [low, high], write the clamped gradient into `out`."""
    smallest, largest = torch.aminmax(gradient)
    least, most = float(smallest), float(largest)
    # Written so that NaN counts as outside.
    if not (least >= low and most <= high):
        torch.clamp(gradient, low, high, out=out)
    return least, most


@compile_function
def _part_squares(vector: Tensor, sizes: list[int]) -> list[float]:
    """The sum of squares of each part."""
    squares: list[float] = []
    for part in torch.split(vector, sizes):
        squares.append(float(torch.dot(part, part)))
    return squares


@compile_function
def _scale_parts(vector: Tensor, sizes: list[int], scales: list[float], out: Tensor) -> None:
    """Multiply each part by its scale."""
    parts, outs = torch.split(vector, sizes), torch.split(out, sizes)
    for i in range(len(sizes)):
        # In TorchScript a product with a plain number has no `out`, and takes twice as long.
        torch.mul(parts[i], torch.scalar_tensor(scales[i], dtype=vector.dtype), out=outs[i])


@compile_function
def _row_norms(vector: Tensor, sizes: list[int], rows: list[int]) -> Tensor:
    """The norm of every row of every tensor, in one vector."""
    parts = torch.split(vector, sizes)
    norms: list[Tensor] = []
    for i in range(len(sizes)):
        norms.append(torch.linalg.vector_norm(parts[i].view(rows[i], -1), 2.0, [1]))
    return torch.cat(norms)


@compile_function
def _scale_rows(vector: Tensor, sizes: list[int], rows: list[int], scales: Tensor, out: Tensor) -> None:
    """Multiply each row by its scale."""
    parts, outs, by_tensor = torch.split(vector, sizes), torch.split(out, sizes), torch.split(scales, rows)
    for i in range(len(sizes)):
        torch.mul(parts[i].view(rows[i], -1), by_tensor[i][:, None], out=outs[i].view(rows[i], -1))


def part_norms(vector: Tensor, sizes: list[int]) -> list[float]:
    """The norm of each part of a flat float32 vector, exact for all finite values."""
    squares = _part_squares(vector, sizes)
    if not all(_SAFE_LOW < square < _SAFE_HIGH for square in squares):
        squares = _part_squares(vector.double(), sizes)
    return [math.sqrt(square) for square in squares]


class _Stateless:
    finite = True

    @property
    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


class _None(_Stateless):
    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        # A sum is finite only if its terms are, and takes a thirtieth of the time of `isfinite` for each.
        self.finite = math.isfinite(gradient.sum().item())
        return gradient, False


class _Value(_Stateless):
    def __init__(self, low: float | None, high: float | None, like: Tensor) -> None:
        # In the gradient's dtype, so that an element at the bound is not outside.
        sides = (-math.inf if low is None else low, math.inf if high is None else high)
        self._low, self._high = torch.tensor(sides, dtype=like.dtype).tolist()
        self._clipped = torch.empty_like(like)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        least, most = _clamp(gradient, self._low, self._high, self._clipped)
        self.finite = math.isfinite(least) and math.isfinite(most)
        if math.isnan(least):
            # With a NaN both extremes are NaN.
            return self._clipped, bool(((gradient < self._low) | (gradient > self._high)).any())
        is_clipped = least < self._low or most > self._high
        return (self._clipped if is_clipped else gradient), is_clipped


class _Norm:
    """Scales down each part whose norm is above its bound."""

    def __init__(self, sizes: list[int], norm_bound: NormBound, like: Tensor) -> None:
        self.finite = True
        self._sizes, self._norm_bound = sizes, norm_bound
        self._clipped = torch.empty_like(like)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        norms = part_norms(gradient, self._sizes)
        self.finite = all(map(math.isfinite, norms))
        scales = [_scale(norm, self._norm_bound.bound(norm)) for norm in norms]
        if all(scale == 1.0 for scale in scales):
            return gradient, False
        if all(scale == 0.0 or not scale < _SAFE_SCALE for scale in scales):
            _scale_parts(gradient, self._sizes, scales, self._clipped)
        else:
            precise = torch.empty_like(gradient, dtype=torch.float64)
            _scale_parts(gradient.double(), self._sizes, scales, precise)
            self._clipped.copy_(precise)
        return self._clipped, True

    @property
    def state(self) -> dict[str, Any]:
        return self._norm_bound.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self._norm_bound.restore(state)


def _scale(norm: float, bound: float) -> float:
    return 1.0 if norm <= bound or math.isinf(bound) else bound / norm


class _Adaptive(_Stateless):
    """The rule of Brock et al. for every layer, the last included; a bias vector is one unit, as in their code."""

    def __init__(self, ratio: float, layout: Layout, like: Tensor) -> None:
        self._ratio = ratio
        self._sizes = [rows * columns for rows, columns in layout.tensors]
        self._rows = [rows for rows, _ in layout.tensors]
        self._clipped = torch.empty_like(like)
        # Norms below 1e-19 underflow in float32, which matters only for bounds that small.
        self._precise = ratio * WEIGHT_NORM_FLOOR < math.sqrt(_SAFE_LOW)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        scales = self._scales(gradient, parameters)
        if not self.finite or self._precise:
            scales = self._scales(gradient.double(), parameters.double())
        if not bool((scales != 1.0).any()):
            return gradient, False
        if scales.dtype == gradient.dtype:
            _scale_rows(gradient, self._sizes, self._rows, scales, self._clipped)
        else:
            precise = torch.empty_like(gradient, dtype=scales.dtype)
            _scale_rows(gradient.double(), self._sizes, self._rows, scales, precise)
            self._clipped.copy_(precise)
        return self._clipped, True

    def _scales(self, gradient: Tensor, parameters: Tensor) -> Tensor:
        """The scale of each unit; sets `finite`."""
        norms = _row_norms(gradient, self._sizes, self._rows)
        weights = _row_norms(parameters, self._sizes, self._rows)
        self.finite = math.isfinite(norms.sum().item())
        return weights.clamp_(min=WEIGHT_NORM_FLOOR).mul_(self._ratio).div_(norms).clamp_(max=1.0)


class _Sign(_Stateless):
    def __init__(self, like: Tensor) -> None:
        self._clipped = torch.empty_like(like)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        self.finite = math.isfinite(gradient.sum().item())
        torch.sign(gradient, out=self._clipped)
        if not self.finite:
            # `torch.sign` gives 0 for NaN, which would hide it.
            self._clipped.masked_fill_(gradient.isnan(), math.nan)
        return self._clipped, not torch.equal(self._clipped, gradient)
