"""The passes of many LeNets at once: weights stacked over replicas, replicas of one seed beside each other.

A stack holds S settings of each of G seeds as G * S replicas. Replicas of one seed see the same images, so what the
first convolution reads is laid out once for all of them, and their kernels stand side by side in one matrix. As in
`lenet_passes` images lie batch-last.

A 5x5 convolution followed by 2x2 pooling reads, for each pooled pixel, 6x6 pixels of its input, four times with the
kernel at another corner. So the kernel is written four times into 6x6 (`_spread`), and all four corners come out of
one matrix product, each in a block of its own: a product of better shape than the usual 5x5 patches make, from a third
of the memory, and pooling compares whole blocks. Kernels lie features-last, so that spreading them moves whole runs.
Pooled pixels are ordered by the parity of their row and column (and those of the first layer within that), for then
the next layer's 6x6 windows are whole runs of memory too.

Everything large is written into a `Room` that is made once, and again as often as it can be: fresh memory costs as
much as the arithmetic, and what leaves the cache nearly so.

Like `lenet_passes` these are functions that TorchScript can compile (see `unlocked`), for a small stack has little
arithmetic per operation. On a GPU what lies between the products is done by `gpu_kernels`, where they can be compiled.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..lenet import SHAPES
from ..unlocked import called_as_python, unlocked


class Convolution(NamedTuple):
    """One convolution's and pooling's tensors, for R replicas in G groups of the same input.

    K are the pixels of a 6x6 window in all channels, F the features, N the pooled pixels of all images.
    """

    # What is read, as windows, and room for it in that shape and as (G, K, N).
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
    """Where the gradient of a `Convolution` goes: like its `kernel`, `corners_of_kernel` and `weight`; (R, F)."""

    kernel: Tensor
    corners_of_kernel: list[Tensor]
    weight: Tensor
    bias: Tensor


class Room(NamedTuple):
    """All that the forward pass reads and writes; `dense` are weight and bias of each of the three layers.

    With `fused` the work between matrix products is that of `gpu_kernels`.
    """

    canvas: Tensor
    # Where columns 2 and 3, 0 to 3, and 0 and 1 of every four go.
    parts: list[Tensor]
    first: Convolution
    second: Convolution
    dense: list[Tensor]
    # (R, 1, 1): what the logits are kept above, 0 with the last ReLU, -inf without.
    floor: Tensor
    fused: bool


class Back(NamedTuple):
    """Where the way back writes; `dense` as in `Room`."""

    first: Gradient
    second: Gradient
    dense: list[Tensor]
    # At the windows of the second convolution: (R, 6, window row / 2, row parity, window column / 2, ...).
    at_windows: Tensor
    # Of that, each pooled pixel's sum along columns, and along both.
    at_rows: Tensor
    at_pooled: Tensor


def weights(flat: Tensor) -> list[Tensor]:
    """The tensors of `lenet.SHAPES` as views (replicas, ...) into (replicas, PARAMETERS); kernels features-last."""
    parts = flat.split([math.prod(shape) for shape in SHAPES.values()], 1)
    shapes = [(*shape[1:], shape[0]) if len(shape) == 4 else shape for shape in SHAPES.values()]
    return [part.view(len(flat), *shape) for part, shape in zip(parts, shapes, strict=True)]


def room(flat: Tensor, floor: Tensor, seeds: int, batch: int, *, fused: bool) -> Room:
    """Room for networks (replicas, PARAMETERS) to see `batch` images of each of so many seeds."""
    kernel1, bias1, kernel2, bias2, *dense = weights(flat)
    # Row, column among eight, which eight of those that begin at every fourth, image.
    canvas = torch.zeros(seeds, 32, 8, 7, batch, device=flat.device)
    inside = canvas[:, 2:30]
    parts = [inside[:, :, :2, 1:], inside[:, :, 2:6], inside[:, :, 6:, :6]]
    row, column = 56 * batch, 7 * batch
    strides = (32 * row, 32 * row, row, column, 2 * row, 2 * column, 4 * row, batch, 1)
    patches = canvas.as_strided((seeds, 1, 6, 6, 2, 2, 7, 7, batch), strides)
    first = _convolution(patches, kernel1, bias1)
    strides = (6 * 196 * batch, 196 * batch, 7 * batch, 98 * batch, batch, 49 * batch, 7 * batch, batch, 1)
    patches = first.pooled.as_strided((len(flat), 6, 3, 2, 3, 2, 5, 5, batch), strides)
    return Room(canvas, parts, first, _convolution(patches, kernel2, bias2), dense, floor, fused)


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
    """Room for kernels like `weight` at the corners of 6x6, and its four parts."""
    groups, shared, channels, features = weight.size(0), weight.size(1), weight.size(2), weight.size(5)
    wide = torch.zeros(groups, channels, 6, 6, shared, 4, features, device=weight.device)
    parts = [wide[:, :, y : y + 5, x : x + 5, :, 2 * y + x].permute(0, 4, 1, 2, 3, 5) for y in (0, 1) for x in (0, 1)]
    return wide.view(groups, channels * 36, -1), parts


def back(room: Room, gradient: Tensor) -> Back:
    """The way back from `room`, with room of its own and some of `room`'s, to (replicas, PARAMETERS)."""
    kernel1, bias1, kernel2, bias2, *dense = weights(gradient)
    replicas, batch = len(gradient), room.canvas.size(-1)
    first, second = (
        Gradient(*_wide(layer.weight), weight.view(layer.weight.shape), bias)
        for layer, weight, bias in ((room.first, kernel1, bias1), (room.second, kernel2, bias2))
    )
    # What a convolution read is not needed any more when the gradient arrives there.
    at_windows = room.second.windows
    at_rows = torch.empty(0 if room.fused else replicas, 6, 3, 2, 2, 5, 7, batch, device=gradient.device)
    at_pooled = torch.empty(replicas, 6, 2, 2, 7, 7, batch, device=gradient.device)
    return Back(first, second, dense, at_windows, at_rows, at_pooled)


def _spread(room: Room) -> None:
    """Write the kernels, as the weights are now, at the four corners of 6x6."""
    for layer in [room.first, room.second]:
        for corner in layer.corners_of_kernel:
            corner.copy_(layer.weight)


def _gathered(gradient: Gradient) -> None:
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


def trouble_with_fusing(device: torch.device) -> str | None:
    """Why the kernels cannot run on a device, None if they can: compiling takes a C compiler and Python's headers."""
    if device.type != "cuda":
        return "they are for CUDA"
    try:
        with torch.cuda.device(device):
            _windows_adjoint_fused(torch.ones(900, device=device), torch.empty(1, 1, 196, 1, device=device))
            torch.cuda.synchronize()
    except Exception as error:  # Triton, compilers and drivers fail in ways that have no name in common.
        return (str(error) or type(error).__name__).splitlines()[0]
    return None


def _convolve(layer: Convolution, fused: bool) -> None:
    """Convolve, max-pool, add the bias, ReLU.

    There is left, as 0 or 1: in corners 1 and 3 whether they beat 0 and 2, in `pair` whether the second pair beat the
    first; or, fused, in `pair` which corner won. The first of equals wins, as in torch.
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
    """From the gradient at `pooled` to those at weight and bias, and in `response` that at the convolution; `slope` and
    `pair` may be used up."""
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
    _gathered(gradient)


def _forward(images: Tensor, room: Room) -> list[Tensor]:
    """Inputs and outputs of the dense layers, (replicas, batch, features), of bytes (seeds, batch, 28, 28)."""
    _spread(room)
    fours = images.unflatten(3, [7, 4]).permute(0, 2, 4, 3, 1)
    room.parts[0].copy_(fours[:, :, 2:, :6])
    room.parts[1].copy_(fours)
    room.parts[2].copy_(fours[:, :, :2, 1:])
    room.canvas.div_(255.0)
    _convolve(room.first, room.fused)
    _convolve(room.second, room.fused)
    dense, batch = room.dense, images.size(1)
    flat = room.second.pooled.view(-1, 400, batch).transpose(1, 2)
    first = torch.baddbmm(dense[1][:, None], flat, dense[0].transpose(1, 2)).relu_()
    second = torch.baddbmm(dense[3][:, None], first, dense[2].transpose(1, 2)).relu_()
    logits = torch.baddbmm(dense[5][:, None], second, dense[4].transpose(1, 2))
    return [flat, first, second, torch.maximum(logits, room.floor)]


def _loss_and_gradient(images: Tensor, labels: Tensor, room: Room, back: Back) -> Tensor:
    """Mean softmax cross-entropy in nats of each replica, of bytes (seeds, batch, 28, 28); fills the gradient."""
    activations = _forward(images, room)
    seeds, batch, replicas = images.size(0), images.size(1), room.floor.size(0)
    log_p = torch.log_softmax(activations[3], 2)
    picked = labels.repeat_interleave(replicas // seeds, 0)[:, :, None]
    loss = -log_p.gather(2, picked).mean([1, 2])
    slope = (
        log_p.exp_().scatter_add_(2, picked, torch.full([replicas, batch, 1], -1.0, device=log_p.device)).div_(batch)
    )
    slope = slope * (activations[3] > room.floor)
    for layer in [2, 1, 0]:
        if layer < 2:
            slope = slope.mul_(activations[layer + 1].sign())
        torch.bmm(slope.transpose(1, 2), activations[layer], out=back.dense[2 * layer])
        torch.sum(slope, [1], out=back.dense[2 * layer + 1])
        slope = torch.bmm(slope, room.dense[2 * layer])
    slope = slope.transpose(1, 2).contiguous().view(replicas, 16, -1)
    _convolve_backward(room.second, back.second, slope, room.fused)
    at_windows = back.at_windows.view(replicas, 216, -1)
    torch.bmm(room.second.kernel, room.second.response.view(replicas, 64, -1), out=at_windows)
    if room.fused:
        _windows_adjoint_fused(back.at_windows, back.at_pooled)
    else:
        _windows_adjoint(back)
    _convolve_backward(room.first, back.first, back.at_pooled.view(replicas, 6, -1), room.fused)
    return loss


def _windows_adjoint(back: Back) -> None:
    """Each pooled pixel's sum over the windows it is in, first along columns, then along rows."""
    back.at_rows.zero_()
    for k in range(3):
        back.at_rows[..., k : k + 5, :].add_(back.at_windows[:, :, :, :, k])
    back.at_pooled.zero_()
    for k in range(3):
        back.at_pooled[:, :, :, :, k : k + 5].add_(back.at_rows[:, :, k])


loss_and_gradient = unlocked(_loss_and_gradient)


def answers(images: Tensor, room: Room) -> Tensor:
    """Logits (replicas, batch, 10), kept above the floor, of bytes (seeds, batch, 28, 28)."""
    return _forward(images, room)[-1]
