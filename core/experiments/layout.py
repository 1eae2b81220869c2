"""The layout of a flat parameter vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The contiguous parts of a flat parameter vector, in order.

    `layers`: the number of parameters of each layer, weights and bias together. `tensors`: rows and columns of each
    tensor. A row holds the weights of one output unit; a bias vector is a single row.
    """

    layers: Mapping[str, int]
    tensors: tuple[tuple[int, int], ...]
