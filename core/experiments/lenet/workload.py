"""LeNet on images, as a lane trains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..batches import Batches, seeded_generator
from .dead_outputs import DeadOutputsGauge
from .network import LAYOUT, LeNet, LeNetEvaluation

# The keys of the workload's state in checkpoints of all versions.
TRAINING, VALIDATION = "training", "validation"


class LeNetWorkload:
    """See `Workload`. `training` and `validation` are bytes (n, 28, 28) and classes (n,), shared by all lanes."""

    layout = LAYOUT

    def __init__(
        self,
        network: LeNet,
        training: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
        *,
        seed: int,
        batch_size: int,
        eval_size: int,
    ) -> None:
        self.network = network
        self.gauge = DeadOutputsGauge(network.units)
        self.parameters, self.gradient = network.parameters, network.gradient
        self._training = Batches(*training, seeded_generator(seed, "training batches"))
        self._validation = Batches(*validation, seeded_generator(seed, "validation batches"))
        self._all_validation = validation
        self._batch_size, self._eval_size = batch_size, eval_size

    def loss_and_gradient(self, step: int) -> float:
        """Return the mean loss of the next training batch, and write its gradient into `gradient`."""
        return self.network.loss_and_gradient(*self._training.next_batch(self._batch_size))

    def evaluate(self, step: int) -> LeNetEvaluation:
        """Evaluate on the next validation batch."""
        return self.network.evaluate(*self._validation.next_batch(self._eval_size))

    def evaluate_all(self) -> LeNetEvaluation:
        """Evaluate on all validation images."""
        return self.network.evaluate_all(*self._all_validation)

    @property
    def state(self) -> dict[str, Any]:
        """The positions in both data sets."""
        return {TRAINING: list(self._training.position), VALIDATION: list(self._validation.position)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        self._training.restore(tuple(state[TRAINING]))
        self._validation.restore(tuple(state[VALIDATION]))
