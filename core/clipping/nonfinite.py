"""Non-finite gradients, counted apart from everything else."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass
class NonfiniteLedger:
    """Components that were NaN or infinite, and the steps that had any."""

    nan: int = 0
    infinite: int = 0
    steps: int = 0

    def enter(self, gradient: Tensor) -> bool:
        """Count a gradient in; whether it holds any."""
        nan, infinite = int(gradient.isnan().sum()), int(gradient.isinf().sum())
        if nan or infinite:
            self.nan, self.infinite, self.steps = self.nan + nan, self.infinite + infinite, self.steps + 1
        return bool(nan or infinite)

    @property
    def state(self) -> dict[str, int]:
        """The counts by name, to make a ledger of again."""
        return asdict(self)


def without_nonfinite(gradient: Tensor) -> Tensor:
    """A copy with 0 in the place of NaN and infinity."""
    return torch.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)
