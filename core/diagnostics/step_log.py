"""Logs every step: training loss, gradient norm before and after clipping, and whether the rule changed anything."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..stream.events import StepsTrained

# Steps in one event at most, which bounds memory where evaluations are far apart.
_MOST_STEPS = 1000


class StepLog:
    """Collects the steps of one lane until `take` makes an event of them.

    Squared norms stay on the gradient's device until then, so that a step waits for no copy from a GPU.
    """

    def __init__(self, steps: int, like: Tensor) -> None:
        """`steps`: how many are expected between two events. `like`: a tensor of the gradient's dtype and device."""
        self._capacity = min(steps, _MOST_STEPS)
        self._squares = torch.zeros(2, self._capacity, dtype=like.dtype, device=like.device)
        # Views of single elements, because indexing a tensor takes as long as the dot product itself.
        self._raw, self._used = (list(row.unbind()) for row in self._squares)
        self._losses: list[float] = []
        self._clipped = bytearray()
        self._last_step = -1

    @property
    def is_full(self) -> bool:
        """Whether `take` must come before another `add`."""
        return len(self._clipped) == self._capacity

    def add(self, step: int, loss: float, raw: Tensor, used: Tensor | None, clipped: bool) -> None:
        """Log a step: the flat gradient before and after clipping. `used` is None if no step was taken."""
        at = len(self._clipped)
        torch.dot(raw, raw, out=self._raw[at])
        if used is None:
            self._used[at].zero_()
        elif used is raw:
            self._used[at].copy_(self._raw[at])
        else:
            torch.dot(used, used, out=self._used[at])
        self._losses.append(loss)
        self._clipped.append(clipped)
        self._last_step = step

    def take(self, lane: str) -> StepsTrained | None:
        """The event for all logged steps, which are dropped; None if there are none."""
        if not (count := len(self._clipped)):
            return None
        norms, clipped_norms = np.sqrt(self._squares[:, :count].cpu().numpy()).astype("<f4")
        event = StepsTrained(
            lane=lane,
            step=self._last_step,
            losses=np.array(self._losses, "<f4").tobytes(),
            norms=norms.tobytes(),
            clipped_norms=clipped_norms.tobytes(),
            clipped=bytes(self._clipped),
        )
        self._losses.clear()
        self._clipped.clear()
        return event
