"""What many LeNets answer to many images.

To measure networks takes none of what training them does: no gradient follows, and on a processor there are images
enough for general convolution kernels to do well. Replicas stand side by side as channels, each its own group;
channels-last, because the kernels for groups are made for that.
"""

import torch
from torch import Tensor

from .passes import weights

_LAST = torch.channels_last


def kernels(flat: Tensor) -> list[Tensor]:
    """Weights (replicas, PARAMETERS) as `logits` wants them: of each convolution and dense layer kernel and bias."""
    first, first_bias, second, second_bias, *dense = weights(flat)
    return [_beside(first), first_bias.flatten(), _beside(second), second_bias.flatten(), *dense]


def _beside(weight: Tensor) -> Tensor:
    """(replicas, channels, 5, 5, features) → (replicas * features, channels, 5, 5)."""
    return weight.permute(0, 4, 1, 2, 3).flatten(0, 1).to(memory_format=_LAST, copy=True)


def logits(images: Tensor, kernels: list[Tensor], floor: Tensor) -> Tensor:
    """Logits (replicas, n, 10), kept above `floor`, of bytes (seeds, n, 28, 28), one seed's replicas side by side."""
    replicas = len(floor)
    seen = images.transpose(0, 1).to(torch.float32, memory_format=_LAST).div_(255.0)
    first = _pooled(torch.conv2d(seen, kernels[0], kernels[1], padding=2, groups=len(images)))
    second = _pooled(torch.conv2d(first, kernels[2], kernels[3], groups=replicas))
    flat = second.unflatten(1, (replicas, -1)).transpose(0, 1).flatten(2)
    for weight, bias in (kernels[4:6], kernels[6:8]):
        flat = torch.baddbmm(bias[:, None], flat, weight.transpose(1, 2)).relu_()
    return torch.maximum(torch.baddbmm(kernels[9][:, None], flat, kernels[8].transpose(1, 2)), floor)


def _pooled(response: Tensor) -> Tensor:
    """Max-pool 2x2, then ReLU: both are monotone, so this is the usual order at a quarter of the work."""
    return torch.max_pool2d(response, 2).relu_()
