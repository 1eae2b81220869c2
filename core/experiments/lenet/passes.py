"""LeNet's forward and backward passes, written out by hand.

For a batch of 8, autograd takes as much time for bookkeeping as for arithmetic, and general convolution kernels are
made for larger batches. Here images are stored batch-last, (channel, row, column, image). A convolution is then one
copy of contiguous memory and one matrix product, and pooling compares vectors of images.

These are functions of torch operations that TorchScript can compile. It allows no module constants, so the kernel's 5
and the image's 28, padded to 32, are written as numbers. Weights come in the order of `network.SHAPES`.
"""

import torch
from torch import Tensor

from ..cross_entropy import cross_entropy_and_slope


def _pad(images: Tensor) -> Tensor:
    """Scale bytes (batch, 28, 28) to [0, 1] and pad them by 2: (1, 32, 32, batch)."""
    canvas = torch.zeros(1, 32, 32, images.size(0), device=images.device)
    canvas[0, 2:30, 2:30].copy_(images.permute(1, 2, 0)).div_(255.0)
    return canvas


def _patches(grid: Tensor) -> Tensor:
    """Every 5x5 window of (channels, rows, columns, batch), as (channels * 25, positions * batch)."""
    channels, side, batch = grid.size(0), grid.size(1) - 4, grid.size(3)
    channel, row, column = grid.stride(0), grid.stride(1), grid.stride(2)
    windows = grid.as_strided([channels, 5, 5, side, side, batch], [channel, row, column, row, column, 1])
    return windows.reshape(channels * 25, side * side * batch)


def _patches_adjoint(slope: Tensor, channels: int, rows: int, batch: int) -> Tensor:
    """The transpose of `_patches`: each pixel's sum over its windows, first along rows, then along columns."""
    side = rows - 4
    grid = slope.view(channels, 5, 5, side, side, batch)
    along_rows = torch.zeros(channels, 5, side, rows, batch, device=slope.device)
    for k in range(5):
        along_rows[:, :, :, k : k + side].add_(grid[:, :, k])
    result = torch.zeros(channels, rows, rows, batch, device=slope.device)
    for k in range(5):
        result[:, k : k + side].add_(along_rows[:, k])
    return result


def _images_last(response: Tensor, side: int, batch: int) -> Tensor:
    """View (features, side * side * batch) as channels-last with images as channels, so that pooling is vectorized."""
    return response.view(response.size(0), side, side, batch).permute(0, 3, 1, 2)


def _pool(response: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Max-pool 2x2, then add the bias and apply ReLU.

    Both are monotone, so this equals the usual order, for a quarter of the work.
    """
    pooled, argmax = torch.ops.aten.max_pool2d_with_indices(response, [2, 2], [2, 2])
    return (pooled.permute(0, 2, 3, 1) + bias[:, None, None, None]).relu_(), argmax


def _pool_backward(slope: Tensor, output: Tensor, argmax: Tensor, response: Tensor, bias_gradient: Tensor) -> Tensor:
    """From the gradient at the output of `_pool` to that at the convolution, (features, positions * batch)."""
    slope = slope * (output > 0)
    torch.sum(slope, [1, 2, 3], out=bias_gradient)
    at_response = torch.ops.aten.max_pool2d_with_indices_backward(
        slope.permute(0, 3, 1, 2), response, [2, 2], [2, 2], [0, 0], [1, 1], False, argmax
    )
    return at_response.permute(0, 2, 3, 1).reshape(response.size(0), -1)


def _dense(weights: list[Tensor], flat: Tensor, relu_head: bool) -> list[Tensor]:
    """Input and outputs of the three fully connected layers, (batch, features) each."""
    first = torch.addmm(weights[5], flat, weights[4].t()).relu_()
    second = torch.addmm(weights[7], first, weights[6].t()).relu_()
    logits = torch.addmm(weights[9], second, weights[8].t())
    return [flat, first, second, logits.relu_() if relu_head else logits]


def _dense_backward(
    weights: list[Tensor], gradients: list[Tensor], activations: list[Tensor], slope: Tensor, relu_head: bool
) -> Tensor:
    """Fill the six dense gradients; return the gradient at the flattened input, (batch, 400)."""
    for layer in [2, 1, 0]:
        if relu_head or layer < 2:
            slope = slope * (activations[layer + 1] > 0)
        torch.mm(slope.t(), activations[layer], out=gradients[4 + 2 * layer])
        torch.sum(slope, [0], out=gradients[5 + 2 * layer])
        slope = torch.mm(slope, weights[4 + 2 * layer])
    return slope


def loss_and_gradient(
    images: Tensor, labels: Tensor, weights: list[Tensor], gradients: list[Tensor], relu_head: bool
) -> Tensor:
    """Mean softmax cross-entropy in nats of bytes (batch, 28, 28) and classes (batch,); fills `gradients`."""
    batch = images.size(0)
    padded = _pad(images)
    patches1 = _patches(padded)
    response1 = _images_last(torch.mm(weights[0].view(6, -1), patches1), 28, batch)
    pooled1, argmax1 = _pool(response1, weights[1])
    patches2 = _patches(pooled1)
    response2 = _images_last(torch.mm(weights[2].view(16, -1), patches2), 10, batch)
    pooled2, argmax2 = _pool(response2, weights[3])
    activations = _dense(weights, pooled2.view(400, batch).t(), relu_head)

    loss, slope = cross_entropy_and_slope(activations[3], labels)
    slope = _dense_backward(weights, gradients, activations, slope, relu_head)
    slope = slope.t().reshape(16, 5, 5, batch)
    slope = _pool_backward(slope, pooled2, argmax2, response2, gradients[3])
    torch.mm(slope, patches2.t(), out=gradients[2].view(16, -1))
    slope = _patches_adjoint(torch.mm(weights[2].view(16, -1).t(), slope), 6, 14, batch)
    slope = _pool_backward(slope, pooled1, argmax1, response1, gradients[1])
    torch.mm(slope, patches1.t(), out=gradients[0].view(6, -1))
    return loss


def activations(images: Tensor, weights: list[Tensor], relu_head: bool) -> list[Tensor]:
    """The outputs of the five layers for bytes (batch, 28, 28), by the kernels that are fastest for a hundred images.

    (6, 14, 14, batch), (16, 5, 5, batch), (batch, 120), (batch, 84), and the logits (batch, 10).
    """
    batch = images.size(0)
    grid = _pad(images)
    grids: list[Tensor] = []
    for layer in [0, 2]:
        channels, rows = grid.size(0), grid.size(1)
        side = rows - 4
        # Neighbouring columns are `batch` numbers apart: a dilated convolution reads batch-last images without a copy.
        strip = grid.view(1, channels, rows, rows * batch)
        response = torch.conv2d(strip, weights[layer], dilation=[1, batch])
        grid, _ = _pool(_images_last(response.view(response.size(1), -1), side, batch), weights[layer + 1])
        grids.append(grid)
    return grids + _dense(weights, grid.view(400, batch).t(), relu_head)[1:]


def active_units(layers: list[Tensor], relu_head: bool) -> Tensor:
    """Which ReLU units of `activations` are above 0 or NaN for any image: (226,), with a ReLU head (236,)."""
    peaks = [layers[0].amax([1, 2, 3]), layers[1].amax([1, 2, 3]), layers[2].amax([0]), layers[3].amax([0])]
    if relu_head:
        peaks.append(layers[4].amax([0]))
    return ~(torch.cat(peaks) <= 0.0)
