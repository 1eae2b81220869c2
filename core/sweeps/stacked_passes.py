"""The passes of many LeNets at once: weights stacked over replicas, replicas of one seed beside each other.

A stack holds S settings of each of G seeds as G * S replicas. Replicas of one seed see the same images, so what the
first convolution reads is laid out once for all of them. As in `lenet_passes` images lie batch-last.

A 5x5 convolution followed by 2x2 pooling reads, for each pooled pixel, 6x6 pixels of its input, four times with the
kernel at another corner. So the kernel is written four times into 6x6 (`_spread`), and all four corners come out of
one matrix product, each in a block of its own: a product of better shape than the usual 5x5 patches make, from a third
of the memory, and pooling compares whole blocks. Pooled pixels are ordered by the parity of their row and column (and
those of the first layer within that), for then the next layer's 6x6 windows are whole runs of memory too.

Everything large is written into buffers that are made once: fresh memory costs as much as the arithmetic.

Like `lenet_passes` these are functions that TorchScript can compile (see `unlocked`), for a small stack has little
arithmetic per operation.
"""

import torch
from torch import Tensor

from ..unlocked import unlocked


def buffers(
    replicas: int, seeds: int, batch: int, device: torch.device, *, backward: bool = False
) -> dict[str, Tensor]:
    """Room for the passes of so many networks and images, with `backward` for the way back too."""
    there = {
        "canvas": (seeds, 32, 32, batch),
        "windows1": (seeds, 6, 6, 2, 2, 7, 7, batch),
        "kernel1": (replicas, 2, 2, 6, 1, 6, 6),
        "corners1": (replicas, 4, 6, 196 * batch),
        "pair1": (replicas, 6, 196 * batch),
        "pooled1": (replicas, 6, 196 * batch),
        "windows2": (replicas, 6, 3, 2, 3, 2, 5, 5, batch),
        "kernel2": (replicas, 2, 2, 16, 6, 6, 6),
        "corners2": (replicas, 4, 16, 25 * batch),
        "pair2": (replicas, 16, 25 * batch),
        "pooled2": (replicas, 16, 25 * batch),
    }
    back = {
        "slopes1": there["corners1"],
        "slopes2": there["corners2"],
        "wide1": there["kernel1"],
        "wide2": there["kernel2"],
        "at_windows2": there["windows2"],
        "at_rows2": (replicas, 6, 3, 2, 2, 5, 7, batch),
        "at_pooled1": (replicas, 6, 2, 2, 7, 7, batch),
        "at_pooled2": there["pooled2"],
    }
    shapes = {**there, **back} if backward else there
    return {name: torch.zeros(shape, device=device) for name, shape in shapes.items()}


def _spread(weight: Tensor, wide: Tensor) -> None:
    """Kernels (replicas, features, channels, 5, 5) at the four corners of 6x6, (replicas, 2, 2, ..., 6, 6)."""
    for y in range(2):
        for x in range(2):
            wide[:, y, x, :, :, y : y + 5, x : x + 5].copy_(weight)


def _gathered(wide: Tensor, weight: Tensor) -> None:
    """The transpose of `_spread`."""
    torch.add(wide[:, 0, 0, :, :, :5, :5], wide[:, 0, 1, :, :, :5, 1:], out=weight)
    weight.add_(wide[:, 1, 0, :, :, 1:, :5]).add_(wide[:, 1, 1, :, :, 1:, 1:])


def _pool(corners: Tensor, pair: Tensor, pooled: Tensor, bias: Tensor) -> None:
    """Max-pool, bias and ReLU of (replicas, 4, features, pixels) into `pooled`.

    Left behind as 0 or 1: in corners 1 and 3 whether they beat 0 and 2, in `pair` whether the second pair beat the
    first. The first of equals wins, as in torch.
    """
    first, second, third, fourth = corners.unbind(1)
    torch.maximum(first, second, out=pooled)
    torch.maximum(third, fourth, out=pair)
    second.gt_(first)
    fourth.gt_(third)
    torch.maximum(pooled, pair, out=first)
    pair.gt_(pooled)
    torch.add(first, bias[:, :, None], out=pooled).relu_()


def _pool_backward(slope: Tensor, corners: Tensor, pair: Tensor, pooled: Tensor, bias: Tensor, slopes: Tensor) -> None:
    """From the gradient at `pooled` to those at the four corners and at the bias; `slope` and `pair` are used up."""
    slope.mul_(pooled.sign_())
    torch.sum(slope, [2], out=bias)
    first, second, third, fourth = slopes.unbind(1)
    pair.mul_(slope)
    slope.sub_(pair)
    torch.mul(slope, corners[:, 1], out=second)
    torch.sub(slope, second, out=first)
    torch.mul(pair, corners[:, 3], out=fourth)
    torch.sub(pair, fourth, out=third)


def _forward(images: Tensor, weights: list[Tensor], floor: Tensor, b: dict[str, Tensor]) -> list[Tensor]:
    """Inputs and outputs of the dense layers, (replicas, batch, features), of bytes (seeds, batch, 28, 28).

    `floor` (replicas, 1, 1) is what the logits are kept above: 0 with the last ReLU, -inf without.
    """
    seeds, batch, replicas = images.size(0), images.size(1), floor.size(0)
    b["canvas"][:, 2:30, 2:30].copy_(images.permute(0, 2, 3, 1)).div_(255.0)
    row, column = 32 * batch, batch
    strides = [32 * row, row, column, 2 * row, 2 * column, 4 * row, 4 * column, 1]
    b["windows1"].copy_(b["canvas"].as_strided(b["windows1"].size(), strides))
    _spread(weights[0], b["kernel1"])
    torch.bmm(
        b["kernel1"].view(seeds, -1, 36),
        b["windows1"].view(seeds, 36, -1),
        out=b["corners1"].view(seeds, -1, 196 * batch),
    )
    _pool(b["corners1"], b["pair1"], b["pooled1"], weights[1])
    strides = [6 * 196 * batch, 196 * batch, 7 * batch, 98 * batch, batch, 49 * batch, 7 * batch, batch, 1]
    b["windows2"].copy_(b["pooled1"].as_strided(b["windows2"].size(), strides))
    _spread(weights[2], b["kernel2"])
    torch.bmm(
        b["kernel2"].view(replicas, 64, 216),
        b["windows2"].view(replicas, 216, -1),
        out=b["corners2"].view(replicas, 64, -1),
    )
    _pool(b["corners2"], b["pair2"], b["pooled2"], weights[3])
    flat = b["pooled2"].view(replicas, 400, batch).transpose(1, 2)
    first = torch.baddbmm(weights[5][:, None], flat, weights[4].transpose(1, 2)).relu_()
    second = torch.baddbmm(weights[7][:, None], first, weights[6].transpose(1, 2)).relu_()
    logits = torch.baddbmm(weights[9][:, None], second, weights[8].transpose(1, 2))
    return [flat, first, second, torch.maximum(logits, floor)]


def _loss_and_gradient(
    images: Tensor,
    labels: Tensor,
    weights: list[Tensor],
    gradients: list[Tensor],
    floor: Tensor,
    b: dict[str, Tensor],
) -> Tensor:
    """Mean softmax cross-entropy in nats of each replica, of bytes (seeds, batch, 28, 28); fills `gradients`."""
    seeds, batch, replicas = images.size(0), images.size(1), floor.size(0)
    activations = _forward(images, weights, floor, b)
    log_p = torch.log_softmax(activations[3], 2)
    picked = labels.repeat_interleave(replicas // seeds, 0)[:, :, None]
    loss = -log_p.gather(2, picked).mean([1, 2])
    slope = (
        log_p.exp_().scatter_add_(2, picked, torch.full([replicas, batch, 1], -1.0, device=log_p.device)).div_(batch)
    )
    slope = slope * (activations[3] > floor)
    for layer in [2, 1, 0]:
        if layer < 2:
            slope = slope.mul_(activations[layer + 1].sign())
        torch.bmm(slope.transpose(1, 2), activations[layer], out=gradients[4 + 2 * layer])
        torch.sum(slope, [1], out=gradients[5 + 2 * layer])
        slope = torch.bmm(slope, weights[4 + 2 * layer])
    b["at_pooled2"].view(replicas, 400, batch).copy_(slope.transpose(1, 2))
    _pool_backward(b["at_pooled2"], b["corners2"], b["pair2"], b["pooled2"], gradients[3], b["slopes2"])
    slopes = b["slopes2"].view(replicas, 64, -1)
    torch.bmm(slopes, b["windows2"].view(replicas, 216, -1).transpose(1, 2), out=b["wide2"].view(replicas, 64, 216))
    _gathered(b["wide2"], gradients[2])
    torch.bmm(
        b["kernel2"].view(replicas, 64, 216).transpose(1, 2), slopes, out=b["at_windows2"].view(replicas, 216, -1)
    )
    _windows2_adjoint(b)
    at_pooled1 = b["at_pooled1"].view(replicas, 6, -1)
    _pool_backward(at_pooled1, b["corners1"], b["pair1"], b["pooled1"], gradients[1], b["slopes1"])
    slopes = b["slopes1"].view(seeds, -1, 196 * batch)
    torch.bmm(slopes, b["windows1"].view(seeds, 36, -1).transpose(1, 2), out=b["wide1"].view(seeds, -1, 36))
    _gathered(b["wide1"], gradients[0])
    return loss


def _windows2_adjoint(b: dict[str, Tensor]) -> None:
    """Each pooled pixel's sum over the windows it is in, first along columns, then along rows."""
    b["at_rows2"].zero_()
    for k in range(3):
        b["at_rows2"][..., k : k + 5, :].add_(b["at_windows2"][:, :, :, :, k])
    b["at_pooled1"].zero_()
    for k in range(3):
        b["at_pooled1"][:, :, :, :, k : k + 5].add_(b["at_rows2"][:, :, k])


forward = unlocked(_forward)
loss_and_gradient = unlocked(_loss_and_gradient)
