"""Stochastic gradient descent over one flat parameter vector, with momentum as torch has it, or without.

H. Robbins and S. Monro, "A Stochastic Approximation Method", 1951; B. T. Polyak, "Some methods of speeding up the
convergence of iteration methods", 1964.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

MOMENTUM = 0.9


class Sgd:
    """Takes a step of the learning rate times the gradient; `steps` counts the updates made."""

    def __init__(self, parameters: Tensor, *, learning_rate: float) -> None:
        self._parameters, self._learning_rate = parameters, learning_rate
        self._direction = torch.zeros_like(parameters)
        self.steps = 0

    def step(self, gradient: Tensor) -> None:
        """One update by `gradient`, of the parameters' shape."""
        self.absorb(gradient)
        self._parameters.add_(self._direction, alpha=-self._learning_rate)

    def absorb(self, gradient: Tensor) -> None:
        """Take a gradient in as `step` does, and leave the parameters as they are."""
        self.steps += 1
        self._direction = gradient

    def update(self) -> Tensor:
        """What `step` would add to the parameters, after the gradients taken in; as long as the last one is there."""
        return self._direction * -self._learning_rate

    def fork(self) -> Self:
        """One of the same kind and state, over the same parameters."""
        return copy.copy(self)

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

    def absorb(self, gradient: Tensor) -> None:
        """Take a gradient into the velocity, and leave the parameters as they are."""
        super().absorb(self.velocity.mul_(MOMENTUM).add_(gradient))

    def fork(self) -> Self:
        """One of the same kind and state, over the same parameters."""
        forked = super().fork()
        forked.velocity = self.velocity.clone()
        return forked

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
