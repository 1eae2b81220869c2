"""The optimizers that a run can use: the protocol, and one for each name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from torch import Tensor

from ..stream.config import RunConfig
from .adam import Adam
from .sgd import MomentumSgd, Sgd


class Optimizer(Protocol):
    """Updates the parameters that it was made for.

    A copy can follow other gradients without updating them: `update_state` and `parameter_update` are `step` in two
    halves.
    """

    def step(self, gradient: Tensor) -> None: ...

    def copy(self) -> Self:
        """An optimizer with a copy of the state, for the same parameters."""
        ...

    def update_state(self, gradient: Tensor) -> None:
        """Update the state as `step` does, but not the parameters."""
        ...

    def parameter_update(self) -> Tensor:
        """What `step` would have added to the parameters for the last gradient."""
        ...

    def reset(self) -> None: ...

    @property
    def state(self) -> Mapping[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


def make_optimizer(config: RunConfig, parameters: Tensor) -> Optimizer:
    """The optimizer of a run, which updates these parameters, of any shape, in place and element by element."""
    rate = config.learning_rate
    match config.optimizer:
        case "adam":
            return Adam(parameters, learning_rate=rate, beta1=config.beta1)
        case "sgd":
            return Sgd(parameters, learning_rate=rate)
        case "sgd-momentum":
            return MomentumSgd(parameters, learning_rate=rate)
