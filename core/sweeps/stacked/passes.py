"""Forward and backward passes of many LeNets at once. Weights are stacked by replica; a seed's replicas are neighbours.

A stack holds S settings of each of G seeds as G * S replicas. The replicas of a seed see the same images, so the input
of the first convolution is laid out once for all of them, and their kernels form one matrix. As in `lenet.passes`,
images are stored batch-last.

A 5x5 convolution followed by 2x2 pooling reads 6x6 pixels of its input for each pooled pixel, with the kernel at each
of four corners. So each kernel is written at the four corners of a 6x6 window (`_spread`), and one matrix product gives
all four corners, each in its own block. This product has a better shape than that of 5x5 patches and takes a third of
the memory, and pooling compares whole blocks. Kernels are stored features-last, so that spreading them copies
contiguous memory. Pooled pixels are ordered by the parity of their row and column (and those of the first layer within
that), so that the next layer's 6x6 windows are contiguous too.

All large tensors are buffers of a `Workspace` that is allocated once and reused: new memory costs as much as the
arithmetic, and cache misses nearly as much.

Like those in `lenet.passes`, these functions can be compiled by TorchScript, because a small stack has little
arithmetic per operation. On a GPU, the Triton kernels of `gpu_kernels` do the work between the products, if they can be
compiled.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ...experiments.lenet.network import SHAPES
from ...experiments.torchscript import called_as_python, compile_function


class Convolution(NamedTuple):
    """The tensors of one convolution with pooling, for R replicas in G groups that share their input.

    K is the number of pixels of a 6x6 window in all channels, F of features, N of pooled pixels in all images.
    """

    # The input as windows, and a buffer for it in that shape and as (G, K, N).
    patches: Tensor
    windows: Tensor
    matrix: Tensor
    # (G, R / G, channels, 5, 5, F); (G, K, R / G * 4F), and its four corners in the weight's shape.
    weight: Tensor
    kernel: Tensor
    corners_of_kernel: list[Tensor]
    # (R, F, 1).
    bias: Tensor
    # (G, R / G * 4F, N), and four times (R, F, N) of it.
    response: Tensor
    corners: list[Tensor]
    # (R, F, N) each.
    pair: Tensor
    pooled: Tensor


class Gradient(NamedTuple):
    """The gradient of a `Convolution`, shaped like its `kernel`, `corners_of_kernel` and `weight`; `bias`: (R, F)."""

    kernel: Tensor
    corners_of_kernel: list[Tensor]
    weight: Tensor
    bias: Tensor


class Workspace(NamedTuple):
    """The tensors that the forward pass reads and writes; `dense` are the weight and bias of each dense layer.

    With `fused`, `gpu_kernels` do the work between the matrix products.
    """

    canvas: Tensor
    # The targets of columns 2 and 3, 0 to 3, and 0 and 1 of every four.
    parts: list[Tensor]
    first: Convolution
    second: Convolution
    dense: list[Tensor]
    # (R, 1, 1): the lower bound of the logits, 0 with the last ReLU, -inf without.
    floor: Tensor
    fused: bool


class BackwardWorkspace(NamedTuple):
    """The tensors that the backward pass writes; `dense` as in `Workspace`."""

    first: Gradient
    second: Gradient
    dense: list[Tensor]
    # The gradient at the windows of the second convolution: (R, 6, window row / 2, row parity, window column / 2, ...).
    at_windows: Tensor
    # Its sum for each pooled pixel along columns, and along both.
    at_rows: Tensor
    at_pooled: Tensor


def weights(flat: Tensor) -> list[Tensor]:
    """The tensors of `network.SHAPES` as views (replicas, ...) into (replicas, PARAMETERS); kernels features-last."""
    parts = flat.split([math.prod(shape) for shape in SHAPES.values()], 1)
    shapes = [(*shape[1:], shape[0]) if len(shape) == 4 else shape for shape in SHAPES.values()]
    return [part.view(len(flat), *shape) for part, shape in zip(parts, shapes, strict=True)]


def workspace(flat: Tensor, floor: Tensor, seeds: int, batch: int, *, fused: bool) -> Workspace:
    """Allocate the workspace for networks (replicas, PARAMETERS) and `batch` images for each of the seeds."""
    kernel1, bias1, kernel2, bias2, *dense = weights(flat)
    # Row, column within eight, number of the eight (one starts at every fourth column), image.
    canvas = torch.zeros(seeds, 32, 8, 7, batch, device=flat.device)
    inside = canvas[:, 2:30]
    parts = [inside[:, :, :2, 1:], inside[:, :, 2:6], inside[:, :, 6:, :6]]
    row, column = 56 * batch, 7 * batch
    strides = (32 * row, 32 * row, row, column, 2 * row, 2 * column, 4 * row, batch, 1)
    patches = canvas.as_strided((seeds, 1, 6, 6, 2, 2, 7, 7, batch), strides)
    first = _convolution(patches, kernel1, bias1)
    strides = (6 * 196 * batch, 196 * batch, 7 * batch, 98 * batch, batch, 49 * batch, 7 * batch, batch, 1)
    patches = first.pooled.as_strided((len(flat), 6, 3, 2, 3, 2, 5, 5, batch), strides)
    return Workspace(canvas, parts, first, _convolution(patches, kernel2, bias2), dense, floor, fused)


def _convolution(patches: Tensor, weight: Tensor, bias: Tensor) -> Convolution:
    groups, replicas, features, device = len(patches), len(weight), weight.size(-1), weight.device
    windows = torch.empty(patches.shape, device=device)
    weight = weight.unflatten(0, (groups, -1))
    kernel, corners_of_kernel = _wide(weight)
    matrix = windows.view(groups, kernel.size(1), -1)
    response = torch.empty(groups, kernel.size(2), matrix.size(2), device=device)
    corners = list(response.view(replicas, 4, features, -1).unbind(1))
    pair, pooled = (torch.empty(corners[0].shape, device=device) for _ in range(2))
    bias = bias[:, :, None]
    return Convolution(
        patches, windows, matrix, weight, kernel, corners_of_kernel, bias, response, corners, pair, pooled
    )


def _wide(weight: Tensor) -> tuple[Tensor, list[Tensor]]:
    """A buffer for kernels like `weight` at the corners of 6x6 windows, and its four parts."""
    groups, shared, channels, features = weight.size(0), weight.size(1), weight.size(2), weight.size(5)
    wide = torch.zeros(groups, channels, 6, 6, shared, 4, features, device=weight.device)
    parts = [wide[:, :, y : y + 5, x : x + 5, :, 2 * y + x].permute(0, 4, 1, 2, 3, 5) for y in (0, 1) for x in (0, 1)]
    return wide.view(groups, channels * 36, -1), parts


def backward_workspace(workspace: Workspace, gradient: Tensor) -> BackwardWorkspace:
    """Allocate the workspace of the backward pass to `gradient`, (replicas, PARAMETERS).

    It shares some tensors with `workspace`.
    """
    kernel1, bias1, kernel2, bias2, *dense = weights(gradient)
    replicas, batch = len(gradient), workspace.canvas.size(-1)
    first, second = (
        Gradient(*_wide(layer.weight), weight.view(layer.weight.shape), bias)
        for layer, weight, bias in ((workspace.first, kernel1, bias1), (workspace.second, kernel2, bias2))
    )
    # The input of a convolution is no longer needed when its gradient is computed.
    at_windows = workspace.second.windows
    at_rows = torch.empty(0 if workspace.fused else replicas, 6, 3, 2, 2, 5, 7, batch, device=gradient.device)
    at_pooled = torch.empty(replicas, 6, 2, 2, 7, 7, batch, device=gradient.device)
    return BackwardWorkspace(first, second, dense, at_windows, at_rows, at_pooled)


def _spread(workspace: Workspace) -> None:
    """Write the current kernels at the four corners of their 6x6 windows."""
    for layer in [workspace.first, workspace.second]:
        for corner in layer.corners_of_kernel:
            corner.copy_(layer.weight)


def _gather(gradient: Gradient) -> None:
    """The transpose of `_spread`."""
    corners = gradient.corners_of_kernel
    torch.add(corners[0], corners[1], out=gradient.weight)
    gradient.weight.add_(corners[2]).add_(corners[3])


@called_as_python
def _pool_fused(response: Tensor, bias: Tensor, pooled: Tensor, pair: Tensor) -> None:
    from . import gpu_kernels

    gpu_kernels.pool(response, bias, pooled, pair)


@called_as_python
def _pool_backward_fused(slope: Tensor, pooled: Tensor, pair: Tensor, response: Tensor, bias: Tensor) -> None:
    from . import gpu_kernels

    gpu_kernels.pool_backward(slope, pooled, pair, response, bias)


@called_as_python
def _windows_adjoint_fused(at_windows: Tensor, at_pooled: Tensor) -> None:
    from . import gpu_kernels

    gpu_kernels.windows_adjoint(at_windows, at_pooled)


def fusing_problem(device: torch.device) -> str | None:
    """Why the Triton kernels cannot run on a device, or None. Compiling needs a C compiler and Python's headers."""
    if device.type != "cuda":
        return "they are for CUDA"
    try:
        with torch.cuda.device(device):
            _windows_adjoint_fused(torch.ones(900, device=device), torch.empty(1, 1, 196, 1, device=device))
            torch.cuda.synchronize()
    except Exception as error:  # Triton, compilers and drivers raise errors of many types.
        return (str(error) or type(error).__name__).splitlines()[0]
    return None


def _convolve(layer: Convolution, fused: bool) -> None:
    """Convolve, max-pool, add the bias, ReLU.

    Afterwards corners 1 and 3 hold whether they beat 0 and 2, as 0 or 1, and `pair` whether the second pair beat the
    first. If fused, `pair` holds which corner won. The first of equals wins, as in torch.
    """
    layer.windows.copy_(layer.patches)
    torch.bmm(layer.kernel.transpose(1, 2), layer.matrix, out=layer.response)
    if fused:
        _pool_fused(layer.response, layer.bias, layer.pooled, layer.pair)
        return
    first, second, third, fourth = layer.corners
    torch.maximum(first, second, out=layer.pooled)
    torch.maximum(third, fourth, out=layer.pair)
    second.gt_(first)
    fourth.gt_(third)
    torch.maximum(layer.pooled, layer.pair, out=first)
    layer.pair.gt_(layer.pooled)
    torch.add(first, layer.bias, out=layer.pooled).relu_()


def _convolve_backward(layer: Convolution, gradient: Gradient, slope: Tensor, fused: bool) -> None:
    """From the gradient at `pooled` (`slope`), compute those at weight and bias, and at the convolution.

    The latter is written to `response`. Overwrites `slope` and `pair`.
    """
    if fused:
        _pool_backward_fused(slope, layer.pooled, layer.pair, layer.response, gradient.bias)
    else:
        slope.mul_(layer.pooled.sign_())
        torch.sum(slope, [2], out=gradient.bias)
        first, second, third, fourth = layer.corners
        pair = layer.pair.mul_(slope)
        slope.sub_(pair)
        torch.sub(slope, second.mul_(slope), out=first)
        torch.sub(pair, fourth.mul_(pair), out=third)
    torch.bmm(layer.matrix, layer.response.transpose(1, 2), out=gradient.kernel)
    _gather(gradient)


def _forward(images: Tensor, workspace: Workspace) -> list[Tensor]:
    """Inputs and outputs of the dense layers, (replicas, batch, features), for bytes (seeds, batch, 28, 28)."""
    _spread(workspace)
    fours = images.unflatten(3, [7, 4]).permute(0, 2, 4, 3, 1)
    workspace.parts[0].copy_(fours[:, :, 2:, :6])
    workspace.parts[1].copy_(fours)
    workspace.parts[2].copy_(fours[:, :, :2, 1:])
    workspace.canvas.div_(255.0)
    _convolve(workspace.first, workspace.fused)
    _convolve(workspace.second, workspace.fused)
    dense, batch = workspace.dense, images.size(1)
    flat = workspace.second.pooled.view(-1, 400, batch).transpose(1, 2)
    first = torch.baddbmm(dense[1][:, None], flat, dense[0].transpose(1, 2)).relu_()
    second = torch.baddbmm(dense[3][:, None], first, dense[2].transpose(1, 2)).relu_()
    logits = torch.baddbmm(dense[5][:, None], second, dense[4].transpose(1, 2))
    return [flat, first, second, torch.maximum(logits, workspace.floor)]


def _loss_and_gradient(images: Tensor, labels: Tensor, workspace: Workspace, backward: BackwardWorkspace) -> Tensor:
    """Mean softmax cross-entropy in nats of each replica, for bytes (seeds, batch, 28, 28); fills the gradient."""
    activations = _forward(images, workspace)
    seeds, batch, replicas = images.size(0), images.size(1), workspace.floor.size(0)
    log_p = torch.log_softmax(activations[3], 2)
    picked = labels.repeat_interleave(replicas // seeds, 0)[:, :, None]
    loss = -log_p.gather(2, picked).mean([1, 2])
    slope = (
        log_p.exp_().scatter_add_(2, picked, torch.full([replicas, batch, 1], -1.0, device=log_p.device)).div_(batch)
    )
    slope = slope * (activations[3] > workspace.floor)
    for layer in [2, 1, 0]:
        if layer < 2:
            slope = slope.mul_(activations[layer + 1].sign())
        torch.bmm(slope.transpose(1, 2), activations[layer], out=backward.dense[2 * layer])
        torch.sum(slope, [1], out=backward.dense[2 * layer + 1])
        slope = torch.bmm(slope, workspace.dense[2 * layer])
    slope = slope.transpose(1, 2).contiguous().view(replicas, 16, -1)
    _convolve_backward(workspace.second, backward.second, slope, workspace.fused)
    at_windows = backward.at_windows.view(replicas, 216, -1)
    torch.bmm(workspace.second.kernel, workspace.second.response.view(replicas, 64, -1), out=at_windows)
    if workspace.fused:
        _windows_adjoint_fused(backward.at_windows, backward.at_pooled)
    else:
        _windows_adjoint(backward)
    _convolve_backward(workspace.first, backward.first, backward.at_pooled.view(replicas, 6, -1), workspace.fused)
    return loss


def _windows_adjoint(backward: BackwardWorkspace) -> None:
    """Sum over the windows of each pooled pixel, first along columns, then along rows."""
    backward.at_rows.zero_()
    for k in range(3):
        backward.at_rows[..., k : k + 5, :].add_(backward.at_windows[:, :, :, :, k])
    backward.at_pooled.zero_()
    for k in range(3):
        backward.at_pooled[:, :, :, :, k : k + 5].add_(backward.at_rows[:, :, k])


loss_and_gradient = compile_function(_loss_and_gradient)


def logits(images: Tensor, workspace: Workspace) -> Tensor:
    """Logits (replicas, batch, 10), not below the floor, for bytes (seeds, batch, 28, 28)."""
    return _forward(images, workspace)[-1]
