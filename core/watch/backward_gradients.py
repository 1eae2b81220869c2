"""Compares the gradients that `backward` left with those that the optimizer gets.

How to use it, in the order of a training step:

    gradients = BackwardGradients(parameters)
    gradients.begin_step(measured=True)         # before the first step, and last in the optimizer's post-hook
    comparison = gradients.compare(scale)       # in the pre-hook, before a rule of clipwatch changes the gradient
    gradients.end_step()                        # in the post-hook, before `begin_step` of the next step

Only measured steps have hooks on the parameters: adding and removing them costs 5 µs for each, and other steps nothing.
No gradient is written. No hook waits for a GPU or raises; `compare` of a measured step does both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from .backward_norm import BackwardNorm
from .comparison import GradientComparison
from .gradient_sample import SampledChange, largest, norm, numbers, precision, sample, writes
from .late_changes import LateChanges
from .norms import Norm

# A norm that differs by more was changed.
_ROUNDING = 2e-6


class _Left(NamedTuple):
    """A gradient as `backward` left it: the tensor and how often it was written to, its norm, some of its elements."""

    gradient: Tensor
    writes: int
    norm: Tensor
    sample: Tensor


class BackwardGradients:
    """What `backward` left in the gradients of an optimizer's parameters, at measured steps."""

    def __init__(self, parameters: Mapping[str, Tensor], *, processes: int = 1) -> None:
        """`parameters`: all those of the optimizer by name, each once, the frozen ones too.

        `processes`: how many average their gradients after `backward` (DDP, FSDP). With more than one, what `backward`
        left here is not what the optimizer gets, and nothing is compared.
        """
        self._parameters = dict(parameters)
        self._processes = processes
        self._measured = self._copied = False
        self._error: Exception | None = None
        self._handles: list[RemovableHandle] = []
        self._left: dict[str, _Left] = {}
        # The parameters whose gradients come first and last in `backward`.
        self._first: Tensor | None = None
        self._last: Tensor | None = None
        self._hooked = self._refused = 0
        self._parts: dict[str, Tensor] = {}
        self._late = LateChanges()
        self._norm = BackwardNorm(list(self._parameters.values()))

    @property
    def count(self) -> int:
        """How many parameters there are."""
        return len(self._parameters)

    def begin_step(self, *, measured: bool) -> None:
        """Call before the first `backward` of a step: at the start, and when the optimizer has stepped.

        A GradScaler that skips a step does not begin a new one: the next `backward` counts.
        """
        self._remove_hooks()
        self._left.clear()
        self._norm.forget()
        self._copied, self._measured, self._refused = False, measured, 0
        if self._processes > 1:
            return
        if measured:
            own = self._norm.hooked
            self._hooked = sum(each is not own and _has_hooks(each) for each in self._parameters.values())
            for name, parameter in self._parameters.items():
                self._add_hook(parameter, partial(self._keep, name))
        if self._late.held and self._first is not None:
            self._add_hook(self._first, self._late.look_last)

    @property
    def measured(self) -> bool:
        """Whether this step is measured."""
        return self._measured

    def copy_into(self, flat: Tensor) -> None:
        """Copy what `backward` leaves at measured steps into this vector, too, from now on.

        It is float32 and holds the parameters that train, in the order of `parameters`. A GradScaler's scale stays in.
        """
        train = [name for name, each in self._parameters.items() if each.requires_grad]
        sizes = [self._parameters[name].numel() for name in train]
        self._parts = dict(zip(train, flat.split(sizes), strict=True))
        self._copied = False

    @property
    def copied(self) -> bool:
        """Whether the vector of `copy_into` holds all that `backward` left in this step. `compare` tells."""
        return self._copied

    def compare(self, scale: float = 1.0) -> GradientComparison | None:
        """What became of the gradients between `backward` and the optimizer; None if this step is not measured.

        `scale`: the GradScaler's scale that the loss was multiplied by, 1 without one. If the optimizer itself unscales
        (`optimizer.grad_scale` is set), the gradients are compared as they are: leave it at 1.
        """
        if error := self._error or self._norm.error:
            raise error
        if not self._measured:
            return None
        present = {name: each.grad for name, each in self._parameters.items() if each.grad is not None}
        used = dict(zip(present, numbers([norm(each) for each in present.values()]), strict=True))
        zero = [name for name in present if used[name] == 0]
        unseen = [name for name in present if name not in self._left and used[name]]
        none = [name for name in self._parameters if name not in present and name not in self._left]
        comparison = GradientComparison(
            norm=None,
            used_norm=math.hypot(*used.values()),
            used_largest=0.0,
            scale=scale,
            precision=precision(list(present.values())),
            none=tuple(none),
            zero=() if self._processes > 1 else tuple(zero),
            frozen=sum(not self._parameters[name].requires_grad for name in none),
            hooked=self._hooked,
            unseen=len(unseen),
            refused=self._refused,
            processes=self._processes,
            late=self._late.take(),
        )
        if unseen or self._last is None or self._processes > 1:
            return comparison
        for name, part in self._parts.items():
            if name not in self._left:
                part.zero_()
        self._copied = bool(self._parts)
        return self._compared(comparison, present)

    def end_step(self) -> None:
        """Call after a step, before anything of the loop runs: holds gradients, to see whether the loop changes them.

        These are references to at most 8 MiB of gradients of a measured step, until the next `backward`.
        """
        if self._measured and self._processes == 1:
            self._late.hold(self._parameters.values())

    def look_again(self) -> None:
        """Look whether the gradients of the step before have changed since: for `Watch.step`. Free if unmeasured."""
        self._late.look()

    def follow_norm(self) -> None:
        """Compute the norm at every step from now on, as `backward` leaves it.

        Call it once the loop is known to clip (`Audit.clips`); calling it again changes nothing.
        """
        self._norm.start()

    def stop_following(self) -> None:
        """No longer compute the norm at every step, nor copy what `backward` leaves."""
        self._norm.stop()
        self._parts, self._copied = {}, False

    def norm_before(self) -> Norm | None:
        """‖g‖ as the last `backward` left it, still scaled; None if it is not known at this step.

        It is known once the hook that computes it has agreed with a measured step, until it does not.
        """
        return self._norm.value

    def close(self) -> None:
        """Remove all hooks and references."""
        self._remove_hooks()
        self._norm.close()
        self._late.clear()
        self._left.clear()

    def _compared(self, comparison: GradientComparison, present: Mapping[str, Tensor]) -> GradientComparison:
        """The comparison, completed with what became of the gradients that `backward` left."""
        scale = comparison.scale
        left_norm = math.hypot(*numbers([each.norm for each in self._left.values()]))
        if self._last is not None:
            self._norm.confirm(self._last, left_norm)
        before = [each.sample for each in self._left.values()]
        after = [
            sample(present[name]) if name in present else torch.zeros_like(left.sample)
            for name, left in self._left.items()
        ]
        change = SampledChange(before, after, scale)
        comparison = replace(
            comparison,
            norm=left_norm / scale,
            equal=change.equal and math.isclose(left_norm / scale, comparison.used_norm, rel_tol=_ROUNDING),
            written=any(_is_written(left, present.get(name)) for name, left in self._left.items()),
        )
        if comparison.kind == "untouched" or not present:
            return comparison
        most = max(numbers([largest(each) for each in present.values() if each.numel()]), default=0.0)
        return replace(comparison, used_largest=most, ratios=change.ratios, clamped=change.is_clamped_to(most))

    def _add_hook(self, parameter: Tensor, hook: Callable[[Tensor], None]) -> None:
        if not parameter.requires_grad:
            return
        try:
            self._handles.append(parameter.register_post_accumulate_grad_hook(partial(self._guarded, hook)))
        except RuntimeError:
            # Not a leaf, or a tensor of a kind that takes no hooks.
            self._refused += 1

    def _remove_hooks(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _guarded(self, hook: Callable[[Tensor], None], parameter: Tensor) -> None:
        """Call a hook. One that raises would end the training, so `compare` raises instead."""
        try:
            hook(parameter)
        except Exception as error:
            self._error = error

    def _keep(self, name: str, parameter: Tensor) -> None:
        """Keep figures of a gradient; with gradient accumulation those of the last `backward` stay."""
        if (gradient := parameter.grad) is not None:
            self._left[name] = _Left(gradient, writes(gradient), norm(gradient), sample(gradient))
            self._first = parameter if len(self._left) == 1 else self._first
            self._last = parameter
            if (part := self._parts.get(name)) is not None:
                part.view(parameter.shape).copy_(gradient.detach().to_dense())


def _is_written(left: _Left, gradient: Tensor | None) -> bool:
    """Whether the loop has replaced a gradient or written to it since `backward`."""
    return gradient is not left.gradient or writes(left.gradient) != left.writes


def _has_hooks(parameter: Tensor) -> bool:
    """Whether the loop has hooks of its own on a parameter, which can change its gradient within `backward`."""
    return bool(getattr(parameter, "_backward_hooks", None) or getattr(parameter, "_post_accumulate_grad_hooks", None))
