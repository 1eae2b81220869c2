"""Clips the gradients of a loop in place, before its optimizer uses them.

A bound on the norm needs no copy: the gradients are scaled where they are. All other rules work on one flat float32
copy (see `clipping.clippers`), whose result is copied back if it differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_

from ..clipping.clippers import Clipper, make_clipper
from ..experiments.layout import Layout
from ..stream.rules import NoClip, NormClip, Rule
from .norms import Norm, total_norm
from .parameters import WatchedParameters

# A scale below this is imprecise as a float32.
_SAFE_SCALE = 1e-30


class Clipped(NamedTuple):
    """‖g‖ before and after clipping, and whether the rule changed anything; tensors where the gradients' device has it."""

    norm: Norm
    clipped_norm: Norm
    changed: bool | Tensor


class GradientClipper(Protocol):
    """Applies one rule to the gradients of a loop."""

    def clip(self, gradients: Sequence[Tensor], scale: float) -> Clipped:
        """Clip in place. The gradients are `scale` times the loop's own, by a GradScaler; norms are of its own."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """What later steps depend on, for a checkpoint."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` of the same rule returned."""
        ...


def make_gradient_clipper(rule: Rule | None, parameters: WatchedParameters) -> GradientClipper:
    """A new clipper; without a rule it only measures."""
    match rule:
        case None | NoClip():
            return _Observer()
        case NormClip(bound=bound):
            return _NormScaler(bound)
        case _:
            return _FlatClipper(rule, parameters)


class _Stateless:
    @property
    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


class _Observer(_Stateless):
    def clip(self, gradients: Sequence[Tensor], scale: float) -> Clipped:
        norm = total_norm(gradients) / scale
        return Clipped(norm, norm, False)


class _NormScaler(_Stateless):
    """Norm clipping with a fixed bound, as exact as `clippers` on the CPU. On a GPU nothing waits for the norm."""

    def __init__(self, bound: float) -> None:
        self._bound = bound

    def clip(self, gradients: Sequence[Tensor], scale: float) -> Clipped:
        norm = total_norm(gradients) / scale
        if isinstance(norm, Tensor):
            return self._clip_on_device(gradients, norm)
        if norm <= self._bound:
            return Clipped(norm, norm, False)
        factor = self._bound / norm
        for each in gradients:
            if factor == 0.0 or not factor < _SAFE_SCALE:
                each.mul_(factor)
            else:
                each.copy_(each.double().mul_(factor))
        return Clipped(norm, norm * factor if math.isinf(norm) else min(norm, self._bound), True)

    def _clip_on_device(self, gradients: Sequence[Tensor], norm: Tensor) -> Clipped:
        exact = norm.double()
        factor = (self._bound / exact).clamp(max=1.0)
        # torch divides by this norm plus 1e-6, which is subtracted here. A factor of 1 then stays 1.
        holders = [_Holder(each) for each in gradients]
        clip_grads_with_norm_(holders, 1.0, 1.0 / factor - 1e-6)  # pyright: ignore[reportArgumentType]
        return Clipped(norm, norm * factor, exact > self._bound)


class _Holder:
    """What `clip_grads_with_norm_` takes for a parameter."""

    def __init__(self, gradient: Tensor) -> None:
        self.grad = gradient


class _FlatClipper:
    """Any rule, on a flat float32 copy of the gradients in the order of the layers."""

    def __init__(self, rule: Rule, parameters: WatchedParameters) -> None:
        raise NotImplementedError
