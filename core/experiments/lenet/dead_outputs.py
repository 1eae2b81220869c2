"""Finds dead ReLU units: a unit that is 0 for every image passes no gradient back.

Units are checked with the validation batch of each evaluation, whose images are the same in every lane. This takes no
extra time, because these images pass through the network anyway. Three batches are three hundred different images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...stream.events import OutputDied, OutputRevived
from .network import OUTPUTS, LeNetEvaluation

# A unit is dead after this many evaluations in a row at which it is 0 for all images.
DEAD_AFTER = 3


class OutputChange(NamedTuple):
    """An output that died, or recovered."""

    output: int
    died: bool


class DeadUnits:
    """Counts for how many evaluations in a row each unit was inactive; `units` is `LeNet.units`."""

    def __init__(self, units: Mapping[str, int]) -> None:
        self._layers = tuple(units)
        self._starts = list(accumulate(units.values(), initial=0))
        self._first_output = self._starts[-2] if OUTPUTS in units else self._starts[-1]
        self._inactive = np.zeros(self._starts[-1], np.int64)

    def add(self, active: NDArray[np.bool_]) -> Iterator[OutputChange]:
        """Record which units were active at an evaluation; yield the outputs that died or recovered."""
        before = self._dead()
        self._inactive = np.where(active, 0, self._inactive + 1)
        after = self._dead()
        for output in np.flatnonzero(before[self._first_output :] != after[self._first_output :]).tolist():
            yield OutputChange(output, died=bool(after[self._first_output + output]))

    def _dead(self) -> NDArray[np.bool_]:
        return self._inactive >= DEAD_AFTER

    @property
    def counts(self) -> dict[str, int]:
        """The number of dead units in each layer."""
        return dict(
            zip(self._layers, np.add.reduceat(self._dead(), self._starts[:-1], dtype=int).tolist(), strict=True)
        )

    @property
    def outputs(self) -> tuple[int, ...]:
        """The classes whose output is dead."""
        return tuple(np.flatnonzero(self._dead()[self._first_output :]).tolist())

    def inactive_outputs(self, active: NDArray[np.bool_]) -> tuple[int, ...]:
        """The classes whose output is not active."""
        return tuple(np.flatnonzero(~active[self._first_output :]).tolist())

    @property
    def state(self) -> Tensor:
        """For how many evaluations in a row each unit was inactive, int64 (units,)."""
        # `add` makes a new array, so no copy is needed.
        return torch.from_numpy(self._inactive)

    def restore(self, state: Tensor | Sequence[int]) -> None:
        """Set the state to one that `state` returned; old checkpoints hold a list."""
        self._inactive = torch.as_tensor(state).numpy()


class DeadOutputsGauge:
    """The gauge of LeNet, see `Gauge`."""

    def __init__(self, units: Mapping[str, int]) -> None:
        self._units = DeadUnits(units)

    def add_evaluation(self, lane: str, step: int, evaluation: LeNetEvaluation) -> Iterator[OutputDied | OutputRevived]:
        """Record which units were active; yield an event for each output that died or recovered."""
        for output, died in self._units.add(evaluation.active):
            yield (OutputDied if died else OutputRevived)(lane=lane, step=step, output=output)

    def read(self, evaluation: LeNetEvaluation) -> dict[str, Any]:
        """The dead units, the classes among them, and the share of the images that belong to these classes."""
        outputs = self._units.outputs
        return {
            "dead": self._units.counts,
            "dead_outputs": outputs,
            "dead_share": _share(evaluation.labels, outputs),
        }

    def final(self, evaluation: LeNetEvaluation) -> dict[str, Any]:
        """The classes whose output is 0 for all images; none if no ReLU follows the logits."""
        return {"silent_outputs": self._units.inactive_outputs(evaluation.active)}

    @property
    def state(self) -> Tensor:
        """See `DeadUnits.state`."""
        return self._units.state

    def restore(self, state: Tensor | Sequence[int]) -> None:
        """Set the state to one that `state` returned; old checkpoints hold a list."""
        self._units.restore(state)


def _share(labels: Tensor, classes: tuple[int, ...]) -> float:
    """The share of labels that are one of these classes."""
    if not classes:
        return 0.0
    counts = torch.bincount(labels, minlength=max(classes) + 1).tolist()
    return sum(counts[one] for one in classes) / len(labels)
