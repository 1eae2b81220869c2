"""Finds gradients that a loop changes after `optimizer.step()`, when the optimizer has used them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from .comparison import LateChange
from .gradient_sample import norm, numbers, writes

# The most memory to keep from being freed until the next `backward`.
_HELD_BYTES = 8 << 20
# Writes that torch does not count, those to `gradient.data`, are looked for in this many gradients.
_LOOKED_CLOSELY = 4
# A norm that differs by more was changed.
_ROUNDING = 1e-6


@dataclass
class _Held:
    """The gradient of a parameter as the optimizer has used it; `seen` is its norm when last looked at."""

    parameter: Tensor
    gradient: Tensor
    writes: int
    norm: Tensor
    closely: bool
    seen: Tensor | None = None

    @property
    def norm_now(self) -> Tensor:
        """The norm of the gradient, computed only if it may have changed."""
        return norm(self.gradient) if self.closely or writes(self.gradient) != self.writes else self.norm


class _Looked(NamedTuple):
    """The norms of a gradient: as the optimizer used it, at `look`, and at the end.

    `dropped`: the loop has set the parameter's gradient to None or to another tensor. `written`: it was written to.
    """

    before: Tensor
    seen: Tensor
    after: Tensor
    dropped: bool
    written: bool


class LateChanges:
    """Holds references to some gradients of a step, and looks at their norms again before the next `backward`.

    Setting a gradient to 0 in place is not a change. Nor is what is done to a gradient that `backward` then adds to:
    the next step uses it.
    """

    def __init__(self) -> None:
        self._held: list[_Held] = []
        self._looked: list[_Looked] = []
        self._part = False

    @property
    def held(self) -> list[Tensor]:
        """The parameters whose gradients are held."""
        return [each.parameter for each in self._held]

    def hold(self, parameters: Iterable[Tensor]) -> None:
        """Hold the gradients that the optimizer has just used, the smallest ones first, up to 8 MiB."""
        gradients = [(each, each.grad) for each in parameters if each.grad is not None]
        self._held, room = [], _HELD_BYTES
        for parameter, gradient in sorted(gradients, key=lambda pair: pair[1].numel()):
            room -= gradient.numel() * gradient.element_size()
            if room < 0:
                break
            closely = len(self._held) < _LOOKED_CLOSELY
            self._held.append(_Held(parameter, gradient, writes(gradient), norm(gradient), closely))
        self._part = len(self._held) < len(gradients)

    def look(self) -> None:
        """Look at the held gradients before the loop may set them to 0 in place."""
        for each in self._held:
            each.seen = each.norm_now

    def look_last(self, parameter: Tensor) -> None:
        """Look at the held gradients, now that `backward` has added to that of a first parameter, and let them go."""
        self._looked = []
        for each in self._held:
            dropped = each.parameter.grad is not each.gradient
            if dropped or each.parameter is not parameter:
                after, written = each.norm_now, writes(each.gradient) != each.writes
                self._looked.append(
                    _Looked(each.norm, after if each.seen is None else each.seen, after, dropped, written)
                )
        self._held = []

    def take(self) -> LateChange | None:
        """What was changed, once; waits for a GPU."""
        looked, self._looked = self._looked, []
        norms = numbers([each for one in looked for each in one[:3]])
        changes = []
        for one, before, seen, after in zip(looked, norms[::3], norms[1::3], norms[2::3], strict=True):
            is_lost = one.dropped or after == 0
            if is_lost and (last := after or seen):
                changes.append((before, last, one.dropped and one.written))
        if not any(written or not math.isclose(before, after, rel_tol=_ROUNDING) for before, after, written in changes):
            return None
        part = self._part or len(changes) < len(looked)
        return LateChange(math.hypot(*(one[0] for one in changes)), math.hypot(*(one[1] for one in changes)), part)

    def clear(self) -> None:
        """Let all gradients go."""
        self._held, self._looked = [], []
