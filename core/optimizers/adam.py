"""Adam over one flat parameter vector.

D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, with torch's placement of eps.
`torch.optim` calls the same kernel, `_fused_adam_`, with the same bits. Called directly it takes 30 us instead of
53 us a step, and two lanes at once train 9 % faster.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

from ..experiments.torchscript import compile_function

BETA2 = 0.999
EPS = 1e-8


@compile_function
def _update_moments(gradient: Tensor, first: Tensor, second: Tensor, beta1: float, beta2: float) -> None:
    first.lerp_(gradient, 1.0 - beta1)
    second.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)


class Adam:
    """Updates `parameters` in place; `steps` counts the updates."""

    def __init__(
        self, parameters: Tensor, *, learning_rate: float, beta1: float, beta2: float = BETA2, eps: float = EPS
    ) -> None:
        self._parameters = parameters
        self.learning_rate, self._beta1, self._beta2, self._eps = learning_rate, beta1, beta2, eps
        self.first_moment = torch.zeros_like(parameters)
        self.second_moment = torch.zeros_like(parameters)
        self.steps = 0
        # `steps` as the tensor that the kernel reads.
        self._count = torch.zeros((), device=parameters.device)

    @property
    def base_rate(self) -> float:
        """The learning rate: there is no schedule."""
        return self.learning_rate

    def set_rate(self, rate: float) -> None:
        """Use this learning rate from the next step on."""
        self.learning_rate = rate

    def step(self, gradient: Tensor) -> None:
        """Update the parameters by a gradient of their shape."""
        self.steps += 1
        torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
            [self._parameters],
            [gradient],
            [self.first_moment],
            [self.second_moment],
            [],
            [self._count.fill_(self.steps)],
            lr=self.learning_rate,
            beta1=self._beta1,
            beta2=self._beta2,
            weight_decay=0.0,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
        )

    def update_state(self, gradient: Tensor) -> None:
        """Update the moments as `step` does, but not the parameters."""
        self.steps += 1
        _update_moments(gradient, self.first_moment, self.second_moment, self._beta1, self._beta2)

    def parameter_update(self, before: Tensor) -> Tensor:
        """What `step` would have added to the parameters for the last gradient; needs at least one."""
        correction, rate = self._corrections()
        # Dividing by the correction at the end saves a pass.
        return (
            self.second_moment.sqrt()
            .add_(self._eps * correction)
            .reciprocal_()
            .mul_(self.first_moment)
            .mul_(-rate * correction)
        )

    def _corrections(self) -> tuple[float, float]:
        """The bias correction of the second moment's root, and the learning rate over that of the first moment."""
        return (1 - self._beta2**self.steps) ** 0.5, self.learning_rate / (1 - self._beta1**self.steps)

    def copy(self) -> Self:
        """An optimizer with a copy of the state, for the same parameters."""
        copied = copy.copy(self)
        copied.first_moment, copied.second_moment = self.first_moment.clone(), self.second_moment.clone()
        return copied

    def reset(self) -> None:
        """Set both moments and the number of steps to 0."""
        self.first_moment.zero_()
        self.second_moment.zero_()
        self.steps = 0

    @property
    def state(self) -> dict[str, Tensor | float]:
        """A copy of the moments, the number of steps and the learning rate."""
        moments = {"first_moment": self.first_moment.clone(), "second_moment": self.second_moment.clone()}
        return {**moments, "steps": self.steps, "learning_rate": self.learning_rate}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        self.first_moment.copy_(state["first_moment"])
        self.second_moment.copy_(state["second_moment"])
        self.steps = state["steps"]
        # Old checkpoints do not hold it: it could not change.
        self.learning_rate = state.get("learning_rate", self.learning_rate)
