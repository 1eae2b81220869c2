"""Which numbers of a flat vector belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Contiguous parts of a flat parameter vector, in its order.

    `layers`: how many numbers each layer has, weights and bias together. `tensors`: rows and columns of each tensor; a
    row is what feeds one output unit, and a bias vector is a single row.
    """

    layers: Mapping[str, int]
    tensors: tuple[tuple[int, int], ...]
