"""LeNet and its training as a graph to look at: what each operation is, what it reads, and the shape it gives.

Plain values, so that a graph can be drawn without torch; names and shapes of weights are those of `lenet`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..stream.config import RunConfig

# Shapes begin with a batch of any size.
ANY = -1


@dataclass(frozen=True)
class Node:
    """One operation, named like TensorFlow's, or a weight (`VariableV2`) or an input (`Placeholder`)."""

    name: str
    op: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    details: Mapping[str, str] = field(default_factory=dict)


def nodes(config: RunConfig, rule: str) -> list[Node]:
    """Every operation of a training step and an evaluation of a lane, each after those it reads."""
    layers = [
        Node("input/images", "Placeholder", (), (ANY, 28, 28)),
        Node("input/labels", "Placeholder", (), (ANY,)),
        Node("input/scaled", "Scale", ("input/images",), (ANY, 1, 28, 28), {"factor": "1/255"}),
        Node("input/padded", "Pad", ("input/scaled",), (ANY, 1, 32, 32), {"border": "2"}),
        *_convolution("conv1", "input/padded", (1, 32), 6),
        *_convolution("conv2", "conv1/pool", (6, 14), 16),
        Node("flatten", "Reshape", ("conv2/pool",), (ANY, 400)),
        *_dense("fc1", "flatten", 400, 120, relu=True),
        *_dense("fc2", "fc1/relu", 120, 84, relu=True),
        *_dense("fc3", "fc2/relu", 84, 10, relu=config.head == "relu"),
    ]
    return [*layers, *_measures(layers[-1].name), *_training(layers, config, rule)]


def _convolution(name: str, source: str, size: tuple[int, int], features: int) -> Iterator[Node]:
    """5x5, bias, ReLU and 2x2 pooling of images of `size` (channels, side)."""
    channels, side = size[0], size[1] - 4
    shape = (ANY, features, side, side)
    yield Node(f"{name}/weight", "VariableV2", (), (features, channels, 5, 5))
    yield Node(f"{name}/bias", "VariableV2", (), (features,))
    yield Node(f"{name}/convolution", "Conv2D", (source, f"{name}/weight"), shape, {"padding": "VALID"})
    yield Node(f"{name}/biased", "BiasAdd", (f"{name}/convolution", f"{name}/bias"), shape)
    yield Node(f"{name}/relu", "Relu", (f"{name}/biased",), shape)
    yield Node(f"{name}/pool", "MaxPool", (f"{name}/relu",), (ANY, features, side // 2, side // 2), {"window": "2x2"})


def _dense(name: str, source: str, inputs: int, outputs: int, *, relu: bool) -> Iterator[Node]:
    yield Node(f"{name}/weight", "VariableV2", (), (outputs, inputs))
    yield Node(f"{name}/bias", "VariableV2", (), (outputs,))
    yield Node(f"{name}/product", "MatMul", (source, f"{name}/weight"), (ANY, outputs), {"transpose_b": "true"})
    yield Node(f"{name}/biased", "BiasAdd", (f"{name}/product", f"{name}/bias"), (ANY, outputs))
    if relu:
        yield Node(f"{name}/relu", "Relu", (f"{name}/biased",), (ANY, outputs))


def _measures(logits: str) -> Iterator[Node]:
    entropy = "SparseSoftmaxCrossEntropyWithLogits"
    yield Node("loss/cross_entropy", entropy, (logits, "input/labels"), (ANY,))
    yield Node("loss/mean", "Mean", ("loss/cross_entropy",), ())
    yield Node("accuracy/class", "ArgMax", (logits,), (ANY,))
    yield Node("accuracy/right", "Equal", ("accuracy/class", "input/labels"), (ANY,))
    yield Node("accuracy/mean", "Mean", ("accuracy/right",), ())


_OPTIMIZERS = {
    "adam": ("adam", "Adam"),
    "sgd": ("sgd", "GradientDescent"),
    "sgd-momentum": ("sgd_momentum", "Momentum"),
}


def _training(layers: list[Node], config: RunConfig, rule: str) -> Iterator[Node]:
    """The gradient of all weights as one vector, clipped by the rule that the lane starts with, and the optimizer."""
    weights = [node for node in layers if node.op == "VariableV2"]
    size = (sum(math.prod(node.shape) for node in weights),)
    yield Node("training/gradient", "Gradient", ("loss/mean", *(node.name for node in weights)), size)
    yield Node("training/clip", "Clip", ("training/gradient",), size, {"rule": rule})
    name, op = _OPTIMIZERS[config.optimizer]
    settings = {"learning_rate": f"{config.learning_rate:g}"}
    if config.optimizer == "adam":
        settings["beta1"] = f"{config.beta1:g}"
    yield Node(f"training/{name}", op, ("training/clip",), size, settings)
