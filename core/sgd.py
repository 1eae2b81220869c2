"""Stochastic gradient descent over one flat parameter vector, with momentum as torch has it, or without.

H. Robbins and S. Monro, "A Stochastic Approximation Method", 1951; B. T. Polyak, "Some methods of speeding up the
convergence of iteration methods", 1964.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.9


class Sgd:
    """Takes a step of the learning rate times the gradient; `steps` counts the updates made."""

    def __init__(self, parameters: Tensor, *, learning_rate: float) -> None:
        self._parameters, self._learning_rate = parameters, learning_rate
        self.steps = 0

    def step(self, gradient: Tensor) -> None:
        """One update by `gradient`, of the parameters' shape."""
        self.steps += 1
        self._parameters.add_(gradient, alpha=-self._learning_rate)

    def reset(self) -> None:
        """Begin anew."""
        self.steps = 0

    @property
    def state(self) -> dict[str, Tensor | int]:
        """A copy of all that the next update depends on but the gradient."""
        return {"steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.steps = state["steps"]


class MomentumSgd(Sgd):
    """Takes a step of the learning rate times the velocity, 0.9 times the one before plus the gradient."""

    def __init__(self, parameters: Tensor, *, learning_rate: float) -> None:
        super().__init__(parameters, learning_rate=learning_rate)
        self.velocity = torch.zeros_like(parameters)

    def step(self, gradient: Tensor) -> None:
        """One update by `gradient`, of the parameters' shape."""
        super().step(self.velocity.mul_(MOMENTUM).add_(gradient))

    def reset(self) -> None:
        """Forget the velocity."""
        super().reset()
        self.velocity.zero_()

    @property
    def state(self) -> dict[str, Tensor | int]:
        """A copy of all that the next update depends on but the gradient."""
        return {**super().state, "velocity": self.velocity.clone()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        super().restore(state)
        self.velocity.copy_(state["velocity"])
