"""The optimizers that a run can name, over one flat parameter vector."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ..diagnostics.clip_effect import Shadow
from ..stream.config import RunConfig
from .adam import Adam
from .sgd import MomentumSgd, Sgd


class Optimizer(Shadow, Protocol):
    """Updates the parameters it was made for."""

    def step(self, gradient: Tensor) -> None: ...


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
