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

from .unlocked import unlocked

BETA2 = 0.999
EPS = 1e-8


def _absorb(gradient: Tensor, first: Tensor, second: Tensor, beta1: float, beta2: float) -> None:
    first.lerp_(gradient, 1.0 - beta1)
    second.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)


_unlocked_absorb = unlocked(_absorb)


class Adam:
    """The optimizer's state beside the parameters it updates in place; `steps` counts the updates made."""

    def __init__(self, parameters: Tensor, *, learning_rate: float, beta1: float) -> None:
        self._parameters = parameters
        self._learning_rate, self._beta1 = learning_rate, beta1
        self.first_moment = torch.zeros_like(parameters)
        self.second_moment = torch.zeros_like(parameters)
        self.steps = 0
        # `steps` again, where the kernel reads it.
        self._count = torch.zeros((), device=parameters.device)

    def step(self, gradient: Tensor) -> None:
        """One update by `gradient`, of the parameters' shape."""
        self.steps += 1
        torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
            [self._parameters],
            [gradient],
            [self.first_moment],
            [self.second_moment],
            [],
            [self._count.fill_(self.steps)],
            lr=self._learning_rate,
            beta1=self._beta1,
            beta2=BETA2,
            weight_decay=0.0,
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )

    def absorb(self, gradient: Tensor) -> None:
        """Take a gradient in as `step` does, and leave the parameters as they are."""
        self.steps += 1
        _unlocked_absorb(gradient, self.first_moment, self.second_moment, self._beta1, BETA2)

    def update(self) -> Tensor:
        """What `step` would add to the parameters, after the gradients taken in; needs one at least."""
        correction, rate = self._corrections()
        # Dividing by the correction last saves a pass.
        return (
            self.second_moment.sqrt()
            .add_(EPS * correction)
            .reciprocal_()
            .mul_(self.first_moment)
            .mul_(-rate * correction)
        )

    def _corrections(self) -> tuple[float, float]:
        """What the second moment's root is divided by, and the learning rate over the first moment's correction."""
        return (1 - BETA2**self.steps) ** 0.5, self._learning_rate / (1 - self._beta1**self.steps)

    def fork(self) -> Self:
        """One of the same kind and state, over the same parameters."""
        forked = copy.copy(self)
        forked.first_moment, forked.second_moment = self.first_moment.clone(), self.second_moment.clone()
        return forked

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
