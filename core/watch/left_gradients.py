"""A copy of the gradients as backward left them, for a loop that clips them itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class LeftGradients:
    """`flat` is one float32 vector of all gradients, which `BackwardGradients` fills at measured steps."""

    def __init__(self, training: Mapping[str, Tensor]) -> None:
        sizes = [each.numel() for each in training.values()]
        device = next((each.device for each in training.values()), None)
        self.flat = torch.zeros(sum(sizes), device=device)
        self._parts = {id(each): part for each, part in zip(training.values(), self.flat.split(sizes), strict=True)}

    def of(self, parameters: Sequence[Tensor]) -> list[Tensor | None]:
        """The parts of these parameters."""
        return [self._parts.get(id(each)) for each in parameters]
