"""LeNet-5 as the assignment builds it, over one flat parameter vector.

Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 1998, as it is usually
taught: convolution 5x5x6, pool, convolution 5x5x16, pool, then 120, 84 and 10 units, ReLU throughout, the ten logits
included unless the head is `linear`.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from ...diagnostics.dead_outputs import OUTPUTS
from ..examination import Examination
from ..layout import Layout
from ..torchscript import unlocked
from . import passes as lenet_passes

Head = Literal["relu", "linear"]

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
LAYOUT = Layout(
    layers={
        layer: sum(math.prod(shape) for name, shape in SHAPES.items() if name.startswith(f"{layer}."))
        for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")
    },
    tensors=tuple(
        (shape[0], math.prod(shape[1:])) if name.endswith("weight") else (1, shape[0]) for name, shape in SHAPES.items()
    ),
)
PARAMETERS = sum(math.prod(shape) for shape in SHAPES.values())
BIAS_INIT = 0.1
# The units that a ReLU can silence, by layer; the last ten only with a ReLU head.
UNITS = {"conv1": 6, "conv2": 16, "fc1": 120, "fc2": 84, OUTPUTS: 10}

loss_and_gradient = unlocked(lenet_passes.loss_and_gradient)
_activations, _firing = unlocked(lenet_passes.activations), unlocked(lenet_passes.firing)
_cross_entropy_and_answers = unlocked(lenet_passes.cross_entropy_and_answers)


def views(flat: Tensor) -> dict[str, Tensor]:
    """The named tensors of `SHAPES` as views into one flat vector of `PARAMETERS` numbers."""
    parts = torch.split(flat, [math.prod(shape) for shape in SHAPES.values()])
    return {name: part.view(shape) for part, (name, shape) in zip(parts, SHAPES.items(), strict=True)}


def initial_parameters(std: float, generator: torch.Generator) -> Tensor:
    """A flat vector: weights from a normal of width `std` truncated at two widths, biases 0.1."""
    flat = torch.empty(PARAMETERS)
    for name, view in views(flat).items():
        if name.endswith("bias"):
            view.fill_(BIAS_INIT)
        else:
            torch.nn.init.trunc_normal_(view, std=std, a=-2 * std, b=2 * std, generator=generator)
    return flat


class LeNet:
    """The network; the gradient of a batch lands in `gradient`, laid out like `parameters`."""

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

    def evaluate(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        """Mean cross-entropy in nats and the number of right answers on bytes (batch, 28, 28) and classes (batch,)."""
        loss, answers = _cross_entropy_and_answers(self.logits(images), labels)
        return loss.item(), int((answers == labels).sum())

    def examine(self, images: Tensor, labels: Tensor) -> Examination:
        """What `evaluate` finds, and more of what the same pass shows."""
        layers = self._activations(images)
        loss, answers = _cross_entropy_and_answers(layers[-1], labels)
        firing = _firing(layers, self._relu_head).cpu().numpy()
        return Examination(loss.item(), int((answers == labels).sum()), answers, firing)

    def _activations(self, images: Tensor) -> list[Tensor]:
        return _activations(images, self._weights, self._relu_head)
