"""The optimizers that a run can name, over one flat parameter vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from torch import Tensor

from ..stream.config import RunConfig
from .adam import Adam
from .sgd import MomentumSgd, Sgd


class Optimizer(Protocol):
    """Updates the parameters it was made for; a fork of it is fed gradients without updating them."""

    def step(self, gradient: Tensor) -> None: ...

    def fork(self) -> Self:
        """One of the same kind and state."""
        ...

    def absorb(self, gradient: Tensor) -> None:
        """Take a gradient in as `step` does, and leave the parameters as they are."""
        ...

    def update(self) -> Tensor:
        """What `step` would add to the parameters, after the gradients taken in."""
        ...

    def reset(self) -> None: ...

    @property
    def state(self) -> Mapping[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


def make_optimizer(config: RunConfig, parameters: Tensor) -> Optimizer:
    """The optimizer of a run, to update these parameters in place; of any shape, for it goes by component."""
    rate = config.learning_rate
    match config.optimizer:
        case "adam":
            return Adam(parameters, learning_rate=rate, beta1=config.beta1)
        case "sgd":
            return Sgd(parameters, learning_rate=rate)
        case "sgd-momentum":
            return MomentumSgd(parameters, learning_rate=rate)
