"""The logits of many LeNets for many images, to evaluate them on a CPU.

Evaluation needs no gradient, and has enough images for general convolution kernels to be fast. The replicas are the
groups of a grouped convolution, in channels-last format, which the kernels for groups are optimized for.
"""

import torch
from torch import Tensor

from .passes import weights

_LAST = torch.channels_last


def kernels(flat: Tensor) -> list[Tensor]:
    """Convert weights (replicas, PARAMETERS) for `logits`: the kernel and bias of each convolution and dense layer."""
    first, first_bias, second, second_bias, *dense = weights(flat)
    return [_as_groups(first), first_bias.flatten(), _as_groups(second), second_bias.flatten(), *dense]


def _as_groups(weight: Tensor) -> Tensor:
    """(replicas, channels, 5, 5, features) → (replicas * features, channels, 5, 5)."""
    return weight.permute(0, 4, 1, 2, 3).flatten(0, 1).to(memory_format=_LAST, copy=True)


def logits(images: Tensor, kernels: list[Tensor], floor: Tensor) -> Tensor:
    """Logits (replicas, n, 10), at least `floor`, of bytes (seeds, n, 28, 28). Replicas of a seed are neighbours."""
    replicas = len(floor)
    pixels = images.transpose(0, 1).to(torch.float32, memory_format=_LAST).div_(255.0)
    first = _pool(torch.conv2d(pixels, kernels[0], kernels[1], padding=2, groups=len(images)))
    second = _pool(torch.conv2d(first, kernels[2], kernels[3], groups=replicas))
    flat = second.unflatten(1, (replicas, -1)).transpose(0, 1).flatten(2)
    for weight, bias in (kernels[4:6], kernels[6:8]):
        flat = torch.baddbmm(bias[:, None], flat, weight.transpose(1, 2)).relu_()
    return torch.maximum(torch.baddbmm(kernels[9][:, None], flat, kernels[8].transpose(1, 2)), floor)


def _pool(response: Tensor) -> Tensor:
    """Max-pool 2x2, then apply ReLU. Equal to the usual order, as both are monotone, for a quarter of the work."""
    return torch.max_pool2d(response, 2).relu_()
