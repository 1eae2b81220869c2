"""What each clip rule of `rules` does to a gradient.

A clipper leaves the gradient as it is and writes into a buffer of its own. It runs at every step, so what it must read
the gradient for (its extremes, its norm, a sum) also tells whether all of it is finite.

Norms are exact where a float32's square is not: sums of squares that leave the safe range are taken again in float64.
A gradient that is scaled has the bound as its norm: torch divides by the norm plus 1e-6 instead, which differs by
1e-6 / norm, but at bounds near 1e-6, where users of this program go, would shrink what is within them.

Non-finite components, where they are left in: value clipping bounds infinity and leaves NaN; a norm of infinity gives
NaN there and 0 elsewhere, and a NaN makes NaN of all that shares its norm, both as in torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from ..experiments.layout import Layout
from ..experiments.torchscript import unlocked
from ..stream.rules import AdaptiveClip, AutoClip, LayerNormClip, NoClip, NormClip, Rule, SignClip, ValueClip, ZClip
from .norm_history import Fixed, Percentile, Spikes, Threshold

# Sums of squares between these have lost nothing to overflow or underflow.
_SAFE_LOW, _SAFE_HIGH = 1e-25, 1e37
# A scale below this is coarse as a float32.
_SAFE_SCALE = 1e-30
# Brock et al.'s: without it a unit whose weights begin at 0 could never move.
WEIGHT_NORM_FLOOR = 1e-3


class Clipper(Protocol):
    """One rule at work in one lane. `finite` is False when the last gradient may have held NaN or infinity."""

    finite: bool

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        """The clipped gradient, and whether that is another; `gradient` itself where it is not."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """What the rule remembers: numbers, strings and lists by name."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state` of the same rule."""
        ...


def make_clipper(rule: Rule, parameters: Tensor, layout: Layout) -> Clipper:
    """A clipper that remembers nothing yet, for gradients of the parameters' shape."""
    if not parameters.numel():
        return _None()
    match rule:
        case NoClip():
            return _None()
        case ValueClip(low=low, high=high):
            return _Value(low, high, parameters)
        case NormClip(bound=bound):
            return _Norm([parameters.numel()], Fixed(bound), parameters)
        case LayerNormClip(bound=bound):
            return _Norm(list(layout.layers.values()), Fixed(bound), parameters)
        case AdaptiveClip(ratio=ratio):
            return _Adaptive(ratio, layout, parameters)
        case AutoClip(percentile=percentile):
            return _Norm([parameters.numel()], Percentile(percentile), parameters)
        case ZClip(threshold=threshold):
            return _Norm([parameters.numel()], Spikes(threshold), parameters)
        case SignClip():
            return _Sign(parameters)


def _clamped(gradient: Tensor, low: float, high: float, out: Tensor) -> tuple[float, float]:
    """The extremes; where one is beyond its bound, `out` is the gradient within [low, high]."""
    smallest, largest = torch.aminmax(gradient)
    least, most = float(smallest), float(largest)
    # Written so that NaN is beyond, too.
    if not (least >= low and most <= high):
        torch.clamp(gradient, low, high, out=out)
    return least, most


def _part_squares(vector: Tensor, sizes: list[int]) -> list[float]:
    """The sum of squares of each part."""
    squares: list[float] = []
    for part in torch.split(vector, sizes):
        squares.append(float(torch.dot(part, part)))
    return squares


def _scaled(vector: Tensor, sizes: list[int], scales: list[float], out: Tensor) -> None:
    """Each part times its scale."""
    parts, outs = torch.split(vector, sizes), torch.split(out, sizes)
    for i in range(len(sizes)):
        # TorchScript has no product with a plain number that writes where it is told, and takes twice as long for it.
        torch.mul(parts[i], torch.scalar_tensor(scales[i], dtype=vector.dtype), out=outs[i])


def _row_norms(vector: Tensor, sizes: list[int], rows: list[int]) -> Tensor:
    """The norm of every row of every tensor, one after the other."""
    parts = torch.split(vector, sizes)
    norms: list[Tensor] = []
    for i in range(len(sizes)):
        norms.append(torch.linalg.vector_norm(parts[i].view(rows[i], -1), 2.0, [1]))
    return torch.cat(norms)


def _scale_rows(vector: Tensor, sizes: list[int], rows: list[int], scales: Tensor, out: Tensor) -> None:
    """Each row times its scale."""
    parts, outs, by_tensor = torch.split(vector, sizes), torch.split(out, sizes), torch.split(scales, rows)
    for i in range(len(sizes)):
        torch.mul(parts[i].view(rows[i], -1), by_tensor[i][:, None], out=outs[i].view(rows[i], -1))


_unlocked_clamped = unlocked(_clamped)
_unlocked_part_squares = unlocked(_part_squares)
_unlocked_scaled = unlocked(_scaled)
_unlocked_row_norms = unlocked(_row_norms)
_unlocked_scale_rows = unlocked(_scale_rows)


def part_norms(vector: Tensor, sizes: list[int]) -> list[float]:
    """The norm of each part of a flat float32 vector, right for every finite one."""
    squares = _unlocked_part_squares(vector, sizes)
    if not all(_SAFE_LOW < square < _SAFE_HIGH for square in squares):
        squares = _unlocked_part_squares(vector.double(), sizes)
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
        # A sum is finite only if its terms are, and thirty times cheaper than asking each.
        self.finite = math.isfinite(gradient.sum().item())
        return gradient, False


class _Value(_Stateless):
    def __init__(self, low: float | None, high: float | None, like: Tensor) -> None:
        # The bounds as the gradient's own kind of number, so that a component at the bound is not beyond it.
        sides = (-math.inf if low is None else low, math.inf if high is None else high)
        self._low, self._high = torch.tensor(sides, dtype=like.dtype).tolist()
        self._clipped = torch.empty_like(like)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        least, most = _unlocked_clamped(gradient, self._low, self._high, self._clipped)
        self.finite = math.isfinite(least) and math.isfinite(most)
        if math.isnan(least):
            # The extremes tell nothing then.
            return self._clipped, bool(((gradient < self._low) | (gradient > self._high)).any())
        engaged = least < self._low or most > self._high
        return (self._clipped if engaged else gradient), engaged


class _Norm:
    """Scales each part whose norm is above its bound."""

    def __init__(self, sizes: list[int], threshold: Threshold, like: Tensor) -> None:
        self.finite = True
        self._sizes, self._threshold = sizes, threshold
        self._clipped = torch.empty_like(like)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        norms = part_norms(gradient, self._sizes)
        self.finite = all(map(math.isfinite, norms))
        scales = [_scale(norm, self._threshold.bound(norm)) for norm in norms]
        if all(scale == 1.0 for scale in scales):
            return gradient, False
        if all(scale == 0.0 or not scale < _SAFE_SCALE for scale in scales):
            _unlocked_scaled(gradient, self._sizes, scales, self._clipped)
        else:
            precise = torch.empty_like(gradient, dtype=torch.float64)
            _unlocked_scaled(gradient.double(), self._sizes, scales, precise)
            self._clipped.copy_(precise)
        return self._clipped, True

    @property
    def state(self) -> dict[str, Any]:
        return self._threshold.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self._threshold.restore(state)


def _scale(norm: float, bound: float) -> float:
    return 1.0 if norm <= bound or math.isinf(bound) else bound / norm


class _Adaptive(_Stateless):
    """Brock et al.'s rule for every layer, the last included; a bias vector counts as one unit, as in their code."""

    def __init__(self, ratio: float, layout: Layout, like: Tensor) -> None:
        self._ratio = ratio
        self._sizes = [rows * columns for rows, columns in layout.tensors]
        self._rows = [rows for rows, _ in layout.tensors]
        self._clipped = torch.empty_like(like)
        # Norms below 1e-19 are lost in float32, which matters only to bounds down there.
        self._precise = ratio * WEIGHT_NORM_FLOOR < math.sqrt(_SAFE_LOW)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        scales = self._scales(gradient, parameters)
        if not self.finite or self._precise:
            scales = self._scales(gradient.double(), parameters.double())
        if not bool((scales != 1.0).any()):
            return gradient, False
        if scales.dtype == gradient.dtype:
            _unlocked_scale_rows(gradient, self._sizes, self._rows, scales, self._clipped)
        else:
            precise = torch.empty_like(gradient, dtype=scales.dtype)
            _unlocked_scale_rows(gradient.double(), self._sizes, self._rows, scales, precise)
            self._clipped.copy_(precise)
        return self._clipped, True

    def _scales(self, gradient: Tensor, parameters: Tensor) -> Tensor:
        """Each unit's scale; notes whether their norms are finite."""
        norms = _unlocked_row_norms(gradient, self._sizes, self._rows)
        weights = _unlocked_row_norms(parameters, self._sizes, self._rows)
        self.finite = math.isfinite(norms.sum().item())
        return weights.clamp_(min=WEIGHT_NORM_FLOOR).mul_(self._ratio).div_(norms).clamp_(max=1.0)


class _Sign(_Stateless):
    def __init__(self, like: Tensor) -> None:
        self._clipped = torch.empty_like(like)

    def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
        self.finite = math.isfinite(gradient.sum().item())
        torch.sign(gradient, out=self._clipped)
        if not self.finite:
            # torch's sign of NaN is 0, which would hide it.
            self._clipped.masked_fill_(gradient.isnan(), math.nan)
        return self._clipped, not torch.equal(self._clipped, gradient)
