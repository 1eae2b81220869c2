"""Clips the gradients of a loop in place, before its optimizer uses them.

A bound on the norm of all gradients needs no copy: they are scaled where they are. All other rules work on one flat
float32 copy (see `clipping.clippers`), whose result is copied back if it differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_

from ..clipping.clippers import Clipper, make_clipper
from ..clipping.norm_history import FixedBound, NormBound, PercentileBound, SpikeBound
from ..experiments.layout import Layout
from ..stream.rules import AdaptiveClip, AutoClip, NoClip, NormClip, Rule, ZClip
from .norms import Norm, total_norm
from .parameters import WatchedParameters

# A scale below this is imprecise as a float32.
_SAFE_SCALE = 1e-30


AboutToClip = Callable[[Norm], None]


class Clipped(NamedTuple):
    """‖g‖ before and after clipping, and whether the rule changed anything. On a GPU they stay there."""

    norm: Norm
    clipped_norm: Norm
    changed: bool | Tensor


class GradientClipper(Protocol):
    """Applies one rule to the gradients of a loop."""

    def clip(self, gradients: Sequence[Tensor], scale: Norm, about_to_clip: AboutToClip) -> Clipped:
        """Clip in place; calls `about_to_clip` with the norm before it writes to a gradient.

        The gradients are `scale` times the loop's own, by a GradScaler. Bounds and norms are of the loop's own.
        """
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
            return _NormScaler(FixedBound(bound), bound)
        case AutoClip(percentile=percentile):
            return _NormScaler(PercentileBound(percentile))
        case ZClip(threshold=threshold):
            return _NormScaler(SpikeBound(threshold))
        case _:
            return _FlatClipper(rule, parameters)


class _Stateless:
    @property
    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


class _Observer(_Stateless):
    def clip(self, gradients: Sequence[Tensor], scale: Norm, about_to_clip: AboutToClip) -> Clipped:
        norm = total_norm(gradients) / scale
        return Clipped(norm, norm, False)


class _NormScaler:
    """Scales gradients whose norm is above a bound, as exactly as `clippers` on the CPU.

    On a GPU, nothing waits for the norm if the bound is `fixed`. Other bounds depend on it, so it is read.
    """

    def __init__(self, norm_bound: NormBound, fixed: float | None = None) -> None:
        self._norm_bound, self._fixed = norm_bound, fixed

    def clip(self, gradients: Sequence[Tensor], scale: Norm, about_to_clip: AboutToClip) -> Clipped:
        norm = total_norm(gradients) / scale
        if isinstance(norm, Tensor):
            if self._fixed is not None:
                about_to_clip(norm)
                return clip_on_device(gradients, norm, self._fixed)
            norm = norm.item()
        bound = self._norm_bound.bound(norm)
        if norm <= bound or math.isinf(bound):
            return Clipped(norm, norm, False)
        about_to_clip(norm)
        factor = bound / norm
        for each in gradients:
            if factor == 0.0 or not factor < _SAFE_SCALE:
                each.mul_(factor)
            else:
                each.copy_(each.double().mul_(factor))
        # A norm of infinity makes infinite elements NaN.
        return Clipped(norm, bound if math.isfinite(norm) else math.nan, True)

    @property
    def state(self) -> dict[str, Any]:
        return self._norm_bound.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self._norm_bound.restore(state)


class _Holder:
    """What `clip_grads_with_norm_` takes for a parameter."""

    def __init__(self, gradient: Tensor) -> None:
        self.grad = gradient


def clip_on_device(gradients: Sequence[Tensor], norm: Tensor, bound: float) -> Clipped:
    """Scale gradients down to a bound without reading their norm, which stays on its device."""
    exact = norm.double()
    factor = (bound / exact).clamp(max=1.0)
    # torch divides by this norm plus 1e-6, which is subtracted here, in float64: a factor of 1 stays 1.
    holders = [_Holder(each) for each in gradients]
    clip_grads_with_norm_(holders, 1.0, 1.0 / factor - 1e-6)  # pyright: ignore[reportArgumentType]
    return Clipped(norm, norm * factor, exact > bound)


class _FlatClipper(_Stateless):
    """A rule without memory, on a flat copy of the gradients in the order of the layers."""

    def __init__(self, rule: Rule, parameters: WatchedParameters) -> None:
        self._rule, self._watched = rule, parameters
        self._parameters: list[Tensor] = []
        self._flat = torch.zeros(0)
        self._clipper: Clipper | None = None

    def clip(self, gradients: Sequence[Tensor], scale: Norm, about_to_clip: AboutToClip) -> Clipped:
        clipper = self._present_clipper()
        parts = self._flat.split([each.numel() for each in self._parameters])
        for part, each in zip(parts, self._parameters, strict=True):
            if each.grad is None:
                part.zero_()
            else:
                part.copy_(each.grad.reshape(-1))
        if scale != 1.0:
            self._flat.div_(scale)
        # Only this rule looks at the parameters.
        values = self._values() if isinstance(self._rule, AdaptiveClip) else self._flat
        clipped, changed = clipper.clip(self._flat, values)
        norm = total_norm([self._flat])
        if not changed:
            return Clipped(norm, norm, False)
        about_to_clip(norm)
        clipped_norm = total_norm([clipped])
        if scale != 1.0:
            clipped.mul_(scale)
        for part, each in zip(clipped.split([part.numel() for part in parts]), self._parameters, strict=True):
            if each.grad is not None:
                each.grad.copy_(part.view(each.grad.shape))
        return Clipped(norm, clipped_norm, True)

    def _present_clipper(self) -> Clipper:
        """The clipper of the parameters that train now."""
        training = self._watched.training()
        by_layer: dict[str, list[Tensor]] = {}
        for name, each in training.items():
            by_layer.setdefault(self._watched.layer(name), []).append(each)
        parameters = [each for layer in by_layer.values() for each in layer]
        if self._clipper is None or list(map(id, parameters)) != list(map(id, self._parameters)):
            layout = Layout(
                {layer: sum(each.numel() for each in its) for layer, its in by_layer.items()},
                tuple(_rows_and_columns(each) for each in parameters),
            )
            precise = any(each.dtype == torch.float64 for each in parameters)
            self._parameters = parameters
            self._flat = torch.zeros(
                sum(each.numel() for each in parameters),
                dtype=torch.float64 if precise else torch.float32,
                device=parameters[0].device if parameters else None,
            )
            self._clipper = make_clipper(self._rule, self._flat, layout)
        return self._clipper

    def _values(self) -> Tensor:
        return torch.cat([each.detach().reshape(-1).to(self._flat) for each in self._parameters])


def _rows_and_columns(parameter: Tensor) -> tuple[int, int]:
    rows = parameter.shape[0] if parameter.dim() > 1 and parameter.shape[0] else 1
    return rows, parameter.numel() // rows
