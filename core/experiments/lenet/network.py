"""The assignment's LeNet-5, over one flat parameter vector.

Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 1998, in its
usual form: convolution 5x5x6, pool, convolution 5x5x16, pool, then 120, 84 and 10 units. A ReLU follows every layer,
the logits included unless the head is `linear`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..cross_entropy import cross_entropy_and_predictions
from ..layout import layout_of, tensor_views
from ..torchscript import compile_function
from ..workload import Evaluation
from . import passes as lenet_passes

Head = Literal["relu", "linear"]
# The key in `LeNet.units` of the network's outputs, if a ReLU follows them.
OUTPUTS = "outputs"
# Images per evaluation when all validation images are evaluated: their activations fit the CPU's cache.
_CHUNK = 100

SHAPES: dict[str, tuple[int, ...]] = {
    "conv1.weight": (6, 1, 5, 5),
    "conv1.bias": (6,),
    "conv2.weight": (16, 6, 5, 5),
    "conv2.bias": (16,),
    "fc1.weight": (120, 400),
    "fc1.bias": (120,),
    "fc2.weight": (84, 120),
    "fc2.bias": (84,),
    "fc3.weight": (10, 84),
    "fc3.bias": (10,),
}
LAYOUT = layout_of(SHAPES)
PARAMETERS = sum(math.prod(shape) for shape in SHAPES.values())
BIAS_INIT = 0.1
# The number of ReLU units of each layer; the outputs count only with a ReLU head.
UNITS = {"conv1": 6, "conv2": 16, "fc1": 120, "fc2": 84, OUTPUTS: 10}

loss_and_gradient = compile_function(lenet_passes.loss_and_gradient)
_activations = compile_function(lenet_passes.activations)
_active_units = compile_function(lenet_passes.active_units)
_cross_entropy_and_predictions = compile_function(cross_entropy_and_predictions)


def views(flat: Tensor) -> dict[str, Tensor]:
    """The named tensors of `SHAPES` as views into one flat vector of `PARAMETERS` numbers."""
    return tensor_views(flat, SHAPES)


def initial_parameters(std: float, generator: torch.Generator) -> Tensor:
    """A flat vector: weights from a normal distribution truncated at two standard deviations, biases 0.1."""
    flat = torch.empty(PARAMETERS)
    for name, view in views(flat).items():
        if name.endswith("bias"):
            view.fill_(BIAS_INIT)
        else:
            torch.nn.init.trunc_normal_(view, std=std, a=-2 * std, b=2 * std, generator=generator)
    return flat


@dataclass(frozen=True, kw_only=True)
class LeNetEvaluation(Evaluation):
    """An evaluation with the images' classes, and which ReLU units are not 0 for at least one image."""

    labels: Tensor
    active: NDArray[np.bool_]


class LeNet:
    """The network; `gradient` is laid out like `parameters`."""

    layout = LAYOUT

    def __init__(self, parameters: Tensor, head: Head) -> None:
        self.parameters = parameters
        self.gradient = torch.zeros_like(parameters)
        self._weights = list(views(parameters).values())
        self._gradients = list(views(self.gradient).values())
        self._relu_head = head == "relu"
        self.units = UNITS if self._relu_head else {name: UNITS[name] for name in UNITS if name != OUTPUTS}

    def loss_and_gradient(self, images: Tensor, labels: Tensor) -> float:
        """Mean softmax cross-entropy in nats of bytes (batch, 28, 28) and classes (batch,); fills `gradient`."""
        return loss_and_gradient(images, labels, self._weights, self._gradients, self._relu_head).item()

    def logits(self, images: Tensor) -> Tensor:
        """Logits (batch, 10) of bytes (batch, 28, 28)."""
        return self._activations(images)[-1]

    def evaluate(self, images: Tensor, labels: Tensor) -> LeNetEvaluation:
        """Evaluate on bytes (batch, 28, 28) and classes (batch,)."""
        layers = self._activations(images)
        loss, predictions = _cross_entropy_and_predictions(layers[-1], labels)
        return LeNetEvaluation(
            loss=loss.item(),
            total=len(labels),
            correct=int((predictions == labels).sum()),
            predictions=predictions,
            labels=labels,
            active=_active_units(layers, self._relu_head).cpu().numpy(),
        )

    def evaluate_all(self, images: Tensor, labels: Tensor) -> LeNetEvaluation:
        """Evaluate on any number of images, a hundred at a time."""
        chunks = [self.evaluate(*chunk) for chunk in zip(images.split(_CHUNK), labels.split(_CHUNK), strict=True)]
        return LeNetEvaluation(
            loss=sum(chunk.loss * chunk.total for chunk in chunks) / len(labels),
            total=len(labels),
            correct=sum(chunk.correct or 0 for chunk in chunks),
            predictions=torch.cat([chunk.predictions for chunk in chunks if chunk.predictions is not None]),
            labels=labels,
            active=np.any([chunk.active for chunk in chunks], axis=0),
        )

    def _activations(self, images: Tensor) -> list[Tensor]:
        return _activations(images, self._weights, self._relu_head)
