"""The gradient norm of every step as `backward` leaves it, from one hook on the parameter whose gradient comes last."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from .norms import Norm, total_norm

# After so many disagreements the order of the gradients is taken to vary.
_MOST_MISSES = 3
_AGREES = 1e-4


class BackwardNorm:
    """Computes ‖g‖ in `backward`, before the loop can change it; it is known once a measured step has confirmed it."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self._handle: RemovableHandle | None = None
        self._last: Tensor | None = None
        self._wanted = self._confirmed = False
        self._norm: Norm | None = None
        self._misses = 0
        self.error: Exception | None = None

    @property
    def value(self) -> Norm | None:
        """‖g‖ as the last `backward` left it; None if it is not known."""
        return self._norm if self._confirmed else None

    @property
    def hooked(self) -> Tensor | None:
        """The parameter that has the hook."""
        return self._last if self._handle else None

    def start(self) -> None:
        """Compute the norm from now on, or once the last parameter is known."""
        self._wanted = True
        if self._last is not None and self._handle is None and self._misses < _MOST_MISSES:
            self._handle = self._last.register_post_accumulate_grad_hook(self._compute)

    def stop(self) -> None:
        """No longer compute it, until `start`."""
        self._wanted = False
        self.close()

    def forget(self) -> None:
        """Forget the norm of the step before."""
        self._norm = None

    def confirm(self, last: Tensor, full: float) -> None:
        """Compare with the norm of all gradients of a measured step, of which that of `last` came last."""
        computed = self._norm
        self._confirmed = computed is not None and math.isclose(float(computed), full, rel_tol=_AGREES)
        if not self._confirmed:
            self._misses += self._handle is not None
            self.close()
            self._last = last
            if self._wanted:
                self.start()

    def close(self) -> None:
        """Remove the hook."""
        if self._handle:
            self._handle.remove()
        self._handle, self._confirmed = None, False

    def _compute(self, parameter: Tensor) -> None:
        try:
            self._norm = total_norm([each.grad for each in self._parameters if each.grad is not None])
        except Exception as error:
            # A hook that raises would end the training.
            self.error = error
