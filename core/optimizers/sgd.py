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
    """Subtracts the learning rate times the gradient; `steps` counts the updates."""

    def __init__(self, parameters: Tensor, *, learning_rate: float) -> None:
        self._parameters, self.learning_rate = parameters, learning_rate
        self._direction = torch.zeros_like(parameters)
        self.steps = 0

    @property
    def base_rate(self) -> float:
        """The learning rate: there is no schedule."""
        return self.learning_rate

    def set_rate(self, rate: float) -> None:
        """Use this learning rate from the next step on."""
        self.learning_rate = rate

    def step(self, gradient: Tensor) -> None:
        """Update the parameters by a gradient of their shape."""
        self.update_state(gradient)
        self._parameters.add_(self._direction, alpha=-self.learning_rate)

    def update_state(self, gradient: Tensor) -> None:
        """Update the state as `step` does, but not the parameters."""
        self.steps += 1
        self._direction = gradient

    def parameter_update(self, before: Tensor) -> Tensor:
        """What `step` would have added to the parameters for the last gradient, which must be unchanged since."""
        return self._direction * -self.learning_rate

    def copy(self) -> Self:
        """An optimizer with a copy of the state, for the same parameters."""
        return copy.copy(self)

    def reset(self) -> None:
        """Set the number of steps to 0."""
        self.steps = 0

    @property
    def state(self) -> dict[str, Tensor | float]:
        """The number of steps and the learning rate."""
        return {"steps": self.steps, "learning_rate": self.learning_rate}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        self.steps = state["steps"]
        # Old checkpoints do not hold it: it could not change.
        self.learning_rate = state.get("learning_rate", self.learning_rate)


class MomentumSgd(Sgd):
    """Subtracts the learning rate times the velocity, which is 0.9 times the last one plus the gradient."""

    def __init__(self, parameters: Tensor, *, learning_rate: float) -> None:
        super().__init__(parameters, learning_rate=learning_rate)
        self.velocity = torch.zeros_like(parameters)

    def update_state(self, gradient: Tensor) -> None:
        """Update the velocity, but not the parameters."""
        super().update_state(self.velocity.mul_(MOMENTUM).add_(gradient))

    def copy(self) -> Self:
        """An optimizer with a copy of the state, for the same parameters."""
        copied = super().copy()
        copied.velocity = self.velocity.clone()
        return copied

    def reset(self) -> None:
        """Set the velocity and the number of steps to 0."""
        super().reset()
        self.velocity.zero_()

    @property
    def state(self) -> dict[str, Tensor | float]:
        """A copy of the velocity, the number of steps and the learning rate."""
        return {**super().state, "velocity": self.velocity.clone()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        super().restore(state)
        self.velocity.copy_(state["velocity"])
