"""Which ReLU units have gone silent: a unit that is not above 0 for any image passes no gradient on.

The probe is the validation batch of each evaluation, the same images in every lane. It costs nothing, since these
images go through the network anyway; three such batches are three hundred other images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# A unit that fires on no image at so many evaluations running is dead.
SILENT = 3
OUTPUTS = "outputs"


class Change(NamedTuple):
    """An output that died, or fires again."""

    output: int
    died: bool


class Firing:
    """How long each unit has been silent; `units` are their numbers by layer, the classes' last, under `outputs`."""

    def __init__(self, units: Mapping[str, int]) -> None:
        self._layers = tuple(units)
        self._starts = list(accumulate(units.values(), initial=0))
        self._first_output = self._starts[-2] if OUTPUTS in units else self._starts[-1]
        self._silent = np.zeros(self._starts[-1], np.int64)

    def note(self, firing: NDArray[np.bool_]) -> Iterator[Change]:
        """Take in which units fired at an evaluation; the outputs that are dead now and were not, or the other way."""
        before = self._dead()
        self._silent = np.where(firing, 0, self._silent + 1)
        after = self._dead()
        for place in np.flatnonzero(before[self._first_output :] != after[self._first_output :]).tolist():
            yield Change(place, died=bool(after[self._first_output + place]))

    def _dead(self) -> NDArray[np.bool_]:
        return self._silent >= SILENT

    @property
    def dead(self) -> dict[str, int]:
        """How many units are dead, by layer."""
        return dict(
            zip(self._layers, np.add.reduceat(self._dead(), self._starts[:-1], dtype=int).tolist(), strict=True)
        )

    @property
    def dead_outputs(self) -> tuple[int, ...]:
        """The classes whose output is dead."""
        return tuple(np.flatnonzero(self._dead()[self._first_output :]).tolist())

    @property
    def state(self) -> Tensor:
        """The evaluations running at which each unit was silent, int64 (units,)."""
        # `note` makes a new array, so nothing is copied.
        return torch.from_numpy(self._silent)

    def restore(self, state: Tensor | Sequence[int]) -> None:
        """Go on from a `state`; from before it was a tensor, a list."""
        self._silent = torch.as_tensor(state).numpy()


def silent_outputs(units: Mapping[str, int], fired: Sequence[NDArray[np.bool_]]) -> tuple[int, ...]:
    """The classes whose output fired in none of these batches; with a linear head no output can be silent."""
    if OUTPUTS not in units:
        return ()
    outputs = np.any(fired, axis=0)[-units[OUTPUTS] :]
    return tuple(np.flatnonzero(~outputs).tolist())
