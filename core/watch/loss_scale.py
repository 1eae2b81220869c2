"""The factor by which a GradScaler has multiplied the gradients, and the steps that it skips.

A scaler unscales the gradients before `optimizer.step`, and calls no step where they overflowed. A fused optimizer
unscales them itself: it gets the scale and whether they overflowed as attributes, and its step is called always.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from .step_log import Number


class LossScale:
    """Follows the scaler of one optimizer."""

    def __init__(self, optimizer: Optimizer, scaler: GradScaler | None) -> None:
        self._optimizer = optimizer
        self._scaler = scaler if scaler is not None and scaler.is_enabled() else None
        self._last = self._scaler.get_scale() if self._scaler else 1.0
        self._unscales_itself = False

    @property
    def of_gradients(self) -> Number:
        """What the gradients that the optimizer gets must be divided by; on a GPU it stays there."""
        return _number(getattr(self._optimizer, "grad_scale", None), 1.0)

    @property
    def overflowed(self) -> Number:
        """1 if a fused optimizer is about to skip the step, else 0."""
        return _number(getattr(self._optimizer, "found_inf", None), 0.0)

    @property
    def of_loss(self) -> float:
        """What the gradients are to be divided by before the optimizer gets them, if it does not do it itself."""
        unscaled = getattr(self._optimizer, "grad_scale", None) is None
        return self._scaler.get_scale() if self._scaler and unscaled else 1.0

    def skipped(self) -> int:
        """How many steps the scaler skipped since the last call: it has lowered its scale for each.

        An optimizer that unscales itself takes part in steps that it skips, see `overflowed`.

        Call it where the GPU has nothing left to do anyway, because it reads the scale.
        """
        self._unscales_itself |= getattr(self._optimizer, "found_inf", None) is not None
        if self._scaler is None or self._unscales_itself:
            return 0
        last, self._last = self._last, self._scaler.get_scale()
        backoff = self._scaler.get_backoff_factor()
        if not 0 < self._last < last or not 0 < backoff < 1:
            return 0
        return max(1, round(math.log(self._last / last) / math.log(backoff)))


def _number(value: Tensor | float | None, default: float) -> Number:
    if value is None:
        return default
    return value if isinstance(value, Tensor) and not value.is_cpu else float(value)
