"""An Elman network over one flat parameter vector: tanh units that see a symbol and their own last state.

J. L. Elman, "Finding structure in time", Cognitive Science 14(2), 1990. Unlike `torch.nn.RNN` it has one bias per unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..cross_entropy import cross_entropy_and_predictions
from ..layout import Shapes, layout_of, tensor_views
from ..torchscript import compile_function
from ..workload import Evaluation
from . import passes
from .data import CLASSES, SYMBOLS

# A unit is saturated where its state is beyond this: tanh passes back less than 2 % of a gradient there.
SATURATED = 0.99
RECURRENT = "recurrent.weight"

loss_and_gradient = compile_function(passes.loss_and_gradient)
_logits_and_saturation = compile_function(passes.logits_and_saturation)
_cross_entropy_and_predictions = compile_function(cross_entropy_and_predictions)


@dataclass(frozen=True, kw_only=True)
class RecurrentEvaluation(Evaluation):
    """An evaluation with the share of saturated states, over all units, time steps and sequences."""

    saturated: float


def shapes(units: int) -> Shapes:
    """The network's tensors by name."""
    return {
        "input.weight": (units, SYMBOLS),
        RECURRENT: (units, units),
        "recurrent.bias": (units,),
        "output.weight": (CLASSES, units),
        "output.bias": (CLASSES,),
    }


def initial_parameters(units: int, std: float, *, orthogonal: bool, generator: torch.Generator) -> Tensor:
    """A flat vector: normally distributed weights, or a random orthogonal recurrent matrix; biases 0."""
    sizes = shapes(units)
    flat = torch.zeros(sum(math.prod(shape) for shape in sizes.values()))
    for name, view in tensor_views(flat, sizes).items():
        if name == RECURRENT and orthogonal:
            torch.nn.init.orthogonal_(view, generator=generator)
        elif name.endswith("weight"):
            view.normal_(std=std, generator=generator)
    return flat


class ElmanNetwork:
    """The network; `gradient` is laid out like `parameters`."""

    def __init__(self, parameters: Tensor, units: int) -> None:
        sizes = shapes(units)
        self.layout = layout_of(sizes)
        self.parameters, self.gradient = parameters, torch.zeros_like(parameters)
        weights = tensor_views(parameters, sizes)
        self.recurrent = weights[RECURRENT]
        self._weights = list(weights.values())
        self._gradients = list(tensor_views(self.gradient, sizes).values())

    def loss_and_gradient(self, sequences: Tensor, labels: Tensor) -> float:
        """Mean softmax cross-entropy in nats of symbols (batch, time) and classes (batch,); fills `gradient`."""
        return loss_and_gradient(sequences, labels, self._weights, self._gradients).item()

    def evaluate(self, sequences: Tensor, labels: Tensor) -> RecurrentEvaluation:
        """Evaluate on symbols (batch, time) and classes (batch,)."""
        logits, saturated = _logits_and_saturation(sequences, self._weights, SATURATED)
        loss, predictions = _cross_entropy_and_predictions(logits, labels)
        return RecurrentEvaluation(
            loss=loss.item(),
            total=len(labels),
            correct=int((predictions == labels).sum()),
            predictions=predictions,
            saturated=saturated.item(),
        )
