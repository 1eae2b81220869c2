"""The optimizers that a run can use: the protocol, and one for each name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from ..stream.config import RunConfig
from .adam import Adam
from .sgd import MomentumSgd, Sgd


class _Steerable(Protocol):
    def set_rate(self, rate: float) -> None:
        """Use this learning rate from the next step on. A schedule multiplies it."""
        ...

    def reset(self) -> None: ...

    @property
    def state(self) -> Mapping[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


class CounterfactualOptimizer(_Steerable, Protocol):
    """A copy of an optimizer that follows other gradients and never updates the parameters.

    `update_state` and `parameter_update` are a step in two halves. Call the first before the optimizer's own step.
    """

    def update_state(self, gradient: Tensor) -> None:
        """Update the state as a step does, but not the parameters."""
        ...

    def parameter_update(self, before: Tensor) -> Tensor:
        """What a step would have added to the parameters, which were `before`, for the last gradient."""
        ...


class Optimizer(_Steerable, Protocol):
    """Updates the parameters that it was made for."""

    @property
    def learning_rate(self) -> float:
        """The learning rate of the last step."""
        ...

    @property
    def base_rate(self) -> float | None:
        """The learning rate before any schedule, None if the optimizer has none."""
        ...

    def step(self, gradient: Tensor) -> None:
        """Update the parameters by a gradient of their shape. An optimizer of the user may change the gradient, too."""
        ...

    def copy(self) -> CounterfactualOptimizer:
        """An optimizer with a copy of the state, for the same parameters."""
        ...


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
