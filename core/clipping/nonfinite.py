"""Counts and replaces NaN and infinity in gradients."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass
class NonfiniteCounts:
    """The elements that were NaN or infinite, and the steps that had any."""

    nan: int = 0
    infinite: int = 0
    steps: int = 0

    def add(self, gradient: Tensor) -> bool:
        """Count the elements of a gradient; return whether any is NaN or infinite."""
        nan, infinite = int(gradient.isnan().sum()), int(gradient.isinf().sum())
        if nan or infinite:
            self.nan, self.infinite, self.steps = self.nan + nan, self.infinite + infinite, self.steps + 1
        return bool(nan or infinite)

    @property
    def state(self) -> dict[str, int]:
        """The counts by name, as the constructor takes them."""
        return asdict(self)


def without_nonfinite(gradient: Tensor) -> Tensor:
    """A copy in which NaN and infinity are replaced by 0."""
    return torch.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)
