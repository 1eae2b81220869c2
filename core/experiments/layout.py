"""The layout of a flat parameter vector, and its tensors as views."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

# The tensors of a network by name, in order: <layer>.weight (outputs, ...) and <layer>.bias (outputs,).
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Layout:
    """The contiguous parts of a flat parameter vector, in order.

    `layers`: the number of parameters of each layer, weights and bias together. `tensors`: rows and columns of each
    tensor. A row holds the weights of one output unit; a bias vector is a single row.
    """

    layers: Mapping[str, int]
    tensors: tuple[tuple[int, int], ...]


def layout_of(shapes: Shapes) -> Layout:
    """The layout of a vector that holds tensors of these shapes one after the other."""
    layers: dict[str, int] = {}
    for name, shape in shapes.items():
        layer = name.rpartition(".")[0]
        layers[layer] = layers.get(layer, 0) + math.prod(shape)
    rows = {name: 1 if name.endswith("bias") else shape[0] for name, shape in shapes.items()}
    return Layout(layers, tuple((rows[name], math.prod(shape) // rows[name]) for name, shape in shapes.items()))


def tensor_views(flat: Tensor, shapes: Shapes) -> dict[str, Tensor]:
    """The tensors by name, as views into a flat vector."""
    parts = torch.split(flat, [math.prod(shape) for shape in shapes.values()])
    return {name: part.view(shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)}
