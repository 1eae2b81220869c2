"""The network, its loss and Adam once more, in numpy, float64 and loops: slow, independent, easy to check by eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = dict[str, Array]


def convolution(x: Array, weight: Array) -> Array:
    """Valid cross-correlation of (batch, channels, rows, columns) with (features, channels, 5, 5)."""
    side = x.shape[2] - 4
    out = np.zeros((len(x), len(weight), side, side))
    for i in range(5):
        for j in range(5):
            out += np.einsum("bchw,fc->bfhw", x[:, :, i : i + side, j : j + side], weight[:, :, i, j])
    return out


def convolution_backward(x: Array, weight: Array, slope: Array) -> tuple[Array, Array]:
    """The gradients at the input and at the weight."""
    side = slope.shape[2]
    at_x, at_weight = np.zeros_like(x), np.zeros_like(weight)
    for i in range(5):
        for j in range(5):
            at_x[:, :, i : i + side, j : j + side] += np.einsum("bfhw,fc->bchw", slope, weight[:, :, i, j])
            at_weight[:, :, i, j] = np.einsum("bfhw,bchw->fc", slope, x[:, :, i : i + side, j : j + side])
    return at_x, at_weight


def windows(x: Array) -> Array:
    """(batch, features, rows, columns) as (batch, features, rows / 2, columns / 2, 4), each window in reading order."""
    batch, features, rows, columns = x.shape
    grid = x.reshape(batch, features, rows // 2, 2, columns // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return grid.reshape(batch, features, rows // 2, columns // 2, 4)


def pool_backward(x: Array, slope: Array) -> Array:
    """The gradient goes to the first of a window's largest numbers."""
    chosen = windows(x).argmax(-1)
    grid = np.where(np.arange(4) == chosen[..., None], slope[..., None], 0.0)
    batch, features, rows, columns, _ = grid.shape
    grid = grid.reshape(batch, features, rows, columns, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return grid.reshape(x.shape)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def loss_and_gradient(
    weights: Weights, images: NDArray[np.uint8], labels: NDArray[np.int64], head: str
) -> tuple[float, Weights]:
    """Mean cross-entropy of bytes (batch, 28, 28), and its gradient by name."""
    x = np.pad(images[:, None] / 255.0, ((0, 0), (0, 0), (2, 2), (2, 2)))
    c1 = relu(convolution(x, weights["conv1.weight"]) + weights["conv1.bias"][:, None, None])
    p1 = windows(c1).max(-1)
    c2 = relu(convolution(p1, weights["conv2.weight"]) + weights["conv2.bias"][:, None, None])
    p2 = windows(c2).max(-1)
    layers = [p2.reshape(len(x), 400)]
    for name in ("fc1", "fc2", "fc3"):
        z = layers[-1] @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        layers.append(z if name == "fc3" and head == "linear" else relu(z))

    shifted = layers[3] - layers[3].max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, labels]).mean()
    slope = p.copy()
    slope[rows, labels] -= 1
    slope /= len(x)

    gradient: Weights = {}
    for index, name in ((3, "fc3"), (2, "fc2"), (1, "fc1")):
        if index < 3 or head == "relu":
            slope = slope * (layers[index] > 0)
        gradient[f"{name}.weight"] = slope.T @ layers[index - 1]
        gradient[f"{name}.bias"] = slope.sum(0)
        slope = slope @ weights[f"{name}.weight"]
    slope = pool_backward(c2, slope.reshape(p2.shape)) * (c2 > 0)
    gradient["conv2.bias"] = slope.sum((0, 2, 3))
    slope, gradient["conv2.weight"] = convolution_backward(p1, weights["conv2.weight"], slope)
    slope = pool_backward(c1, slope) * (c1 > 0)
    gradient["conv1.bias"] = slope.sum((0, 2, 3))
    gradient["conv1.weight"] = convolution_backward(x, weights["conv1.weight"], slope)[1]
    return float(loss), gradient


class Adam:
    """Kingma and Ba's algorithm 1."""

    def __init__(self, weights: Weights, rate: float = 0.001, beta1: float = 0.5) -> None:
        self.weights, self.rate, self.beta1, self.t = weights, rate, beta1, 0
        self.m = {name: np.zeros_like(w) for name, w in weights.items()}
        self.v = {name: np.zeros_like(w) for name, w in weights.items()}

    def step(self, gradient: Weights) -> None:
        self.t += 1
        for name, g in gradient.items():
            self.m[name] = self.beta1 * self.m[name] + (1 - self.beta1) * g
            self.v[name] = 0.999 * self.v[name] + 0.001 * g * g
            m = self.m[name] / (1 - self.beta1**self.t)
            v = self.v[name] / (1 - 0.999**self.t)
            self.weights[name] -= self.rate * m / (np.sqrt(v) + 1e-8)
