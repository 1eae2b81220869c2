"""The protocol of a network that a lane trains, over one flat parameter vector, and the result of its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .layout import Layout

# The key in `Model.units` of the network's outputs, if a ReLU follows them.
OUTPUTS = "outputs"
# Images per evaluation when all validation images are evaluated: their activations fit the CPU's cache.
_CHUNK = 100


class Evaluation(NamedTuple):
    """A network evaluated on some images.

    `loss` is the mean in nats, `correct` the number of correct predictions. `active`: which ReLU units are not 0 for at
    least one image.
    """

    loss: float
    correct: int
    predictions: Tensor
    active: NDArray[np.bool_]


class Model(Protocol):
    """A network over one flat parameter vector; `gradient` has the same layout."""

    parameters: Tensor
    gradient: Tensor

    @property
    def layout(self) -> Layout: ...

    @property
    def units(self) -> Mapping[str, int]:
        """The number of ReLU units of each layer, the outputs last."""
        ...

    def loss_and_gradient(self, images: Tensor, labels: Tensor) -> float:
        """Return the mean loss of a batch, and write its gradient into `gradient`."""
        ...

    def evaluate(self, images: Tensor, labels: Tensor) -> Evaluation: ...


def evaluate_all(model: Model, images: Tensor, labels: Tensor) -> Evaluation:
    """Evaluate a model on any number of images, a hundred at a time."""
    loss_sum, evaluations = 0.0, list[Evaluation]()
    for chunk, chunk_labels in zip(images.split(_CHUNK), labels.split(_CHUNK), strict=True):
        evaluations.append(model.evaluate(chunk, chunk_labels))
        loss_sum += evaluations[-1].loss * len(chunk_labels)
    return Evaluation(
        loss=loss_sum / len(labels),
        correct=sum(evaluation.correct for evaluation in evaluations),
        predictions=torch.cat([evaluation.predictions for evaluation in evaluations]),
        active=np.any([evaluation.active for evaluation in evaluations], axis=0),
    )
