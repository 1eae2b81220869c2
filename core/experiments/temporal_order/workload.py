"""The temporal order problem, as a lane trains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...data.run_dataset import GENERATED_VALIDATION
from ..batches import Batches, seeded_generator
from .data import NewSequences, draw_sequences
from .gauge import SaturationGauge
from .network import ElmanNetwork, RecurrentEvaluation


class TemporalOrder:
    """See `Workload`. Sequences for training are new at every step; those for validation stay the same in a run."""

    def __init__(self, network: ElmanNetwork, *, length: int, seed: int, batch_size: int, eval_size: int) -> None:
        self.network = network
        self.gauge = SaturationGauge(network.recurrent)
        self.parameters, self.gradient, self.layout = network.parameters, network.gradient, network.layout
        device = network.parameters.device
        self._training = NewSequences(length, batch_size, seeded_generator(seed, "training sequences"), device)
        drawn = draw_sequences(GENERATED_VALIDATION, length, seeded_generator(seed, "validation sequences"))
        sequences, labels = (tensor.to(device) for tensor in drawn)
        self._all_validation = sequences, labels
        self._validation = Batches(sequences, labels, seeded_generator(seed, "validation batches"))
        self._eval_size = eval_size

    def loss_and_gradient(self, step: int) -> float:
        """Return the mean loss of the next training batch, and write its gradient into `gradient`."""
        return self.network.loss_and_gradient(*self._training.next_batch())

    def evaluate(self, step: int) -> RecurrentEvaluation:
        """Evaluate on the next validation batch."""
        return self.network.evaluate(*self._validation.next_batch(self._eval_size))

    def evaluate_all(self) -> RecurrentEvaluation:
        """Evaluate on all validation sequences."""
        return self.network.evaluate(*self._all_validation)

    @property
    def state(self) -> dict[str, Any]:
        """The positions in the training and the validation data."""
        return {"training": list(self._training.position), "validation": list(self._validation.position)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        self._training.restore(tuple(state["training"]))
        self._validation.restore(tuple(state["validation"]))
