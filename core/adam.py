"""Adam over one flat parameter vector.

D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, with torch's placement of eps. The
library's own optimizer spends as long in Python as in arithmetic on a vector of this size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .unlocked import unlocked

BETA2 = 0.999
EPS = 1e-8


def _update(
    parameters: Tensor,
    gradient: Tensor,
    first: Tensor,
    second: Tensor,
    beta1: float,
    beta2: float,
    eps: float,
    correction: float,
    rate: float,
) -> None:
    first.lerp_(gradient, 1.0 - beta1)
    second.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
    parameters.addcdiv_(first, second.sqrt().div_(correction).add_(eps), value=-rate)


_unlocked_update = unlocked(_update)


class Adam:
    """The optimizer's state beside the parameters it updates in place; `steps` counts the updates made."""

    def __init__(self, parameters: Tensor, *, learning_rate: float, beta1: float) -> None:
        self._parameters = parameters
        self._learning_rate, self._beta1 = learning_rate, beta1
        self.first_moment = torch.zeros_like(parameters)
        self.second_moment = torch.zeros_like(parameters)
        self.steps = 0

    def step(self, gradient: Tensor) -> None:
        """One update by `gradient`, of the parameters' shape."""
        self.steps += 1
        correction = (1 - BETA2**self.steps) ** 0.5
        rate = self._learning_rate / (1 - self._beta1**self.steps)
        moments = (self.first_moment, self.second_moment)
        _unlocked_update(self._parameters, gradient, *moments, self._beta1, BETA2, EPS, correction, rate)

    def reset(self) -> None:
        """Forget both moments and the number of steps."""
        self.first_moment.zero_()
        self.second_moment.zero_()
        self.steps = 0

    @property
    def state(self) -> dict[str, Tensor | int]:
        """A copy of all that the next update depends on but the gradient."""
        moments = {"first_moment": self.first_moment.clone(), "second_moment": self.second_moment.clone()}
        return {**moments, "steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.first_moment.copy_(state["first_moment"])
        self.second_moment.copy_(state["second_moment"])
        self.steps = state["steps"]
