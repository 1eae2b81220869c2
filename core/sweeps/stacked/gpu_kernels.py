"""Triton kernels for the operations of `passes` between its matrix products.

On a GPU an operation costs the bytes that it reads and writes, and pooling takes a dozen operations. Each of these
kernels reads and writes every number once. The results are the same, except for the order of summation of the bias
gradients. Triton comes with torch's CUDA builds and compiles on first use.
"""

# Triton's language is not Python, so its types are not checked.
# pyright: basic, reportArgumentType=false, reportGeneralTypeIssues=false
from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 256


def pool(response: Tensor, bias: Tensor, pooled: Tensor, winner: Tensor) -> None:
    """Max-pool the four corners in `response` (replicas, 4, features, pixels), add the bias, apply ReLU.

    `bias` is (replicas, features, 1). Writes `pooled` and `winner`, both (replicas, features, pixels): the result, and
    the index of the largest corner, the first one if several are equal.
    """
    features, pixels = pooled.size(1), pooled.size(2)
    grid = (pooled.size(0) * features,)
    _pool[grid](response, bias, pooled, winner, features, bias.stride(0), PIXELS=pixels, BLOCK=_BLOCK)


def pool_backward(slope: Tensor, pooled: Tensor, winner: Tensor, response: Tensor, bias: Tensor) -> None:
    """From the gradient at `pooled` (`slope`), compute those at `response` and at `bias`, (replicas, features)."""
    features, pixels = pooled.size(1), pooled.size(2)
    grid = (pooled.size(0) * features,)
    _pool_backward[grid](slope, pooled, winner, response, bias, features, bias.stride(0), PIXELS=pixels, BLOCK=_BLOCK)


def windows_adjoint(at_windows: Tensor, at_pooled: Tensor) -> None:
    """Sum `at_windows` over the windows of each pooled pixel; shapes as in `passes.BackwardWorkspace`."""
    grid = (at_pooled.size(0) * at_pooled.size(1),)
    _windows_adjoint[grid](at_windows, at_pooled, BATCH=at_pooled.size(-1), BLOCK=_BLOCK)


@triton.jit
def _pool(response, bias, pooled, winner, features, bias_stride, PIXELS: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    replica, feature = row // features, row % features
    corner = features * PIXELS
    source = response + replica * 4 * corner + feature * PIXELS
    shift = tl.load(bias + replica * bias_stride + feature)
    for start in range(0, PIXELS, BLOCK):
        place = start + tl.arange(0, BLOCK)
        inside = place < PIXELS
        best = tl.load(source + place, mask=inside, other=0.0)
        which = tl.zeros([BLOCK], tl.float32)
        for number in tl.static_range(1, 4):
            other = tl.load(source + number * corner + place, mask=inside, other=0.0)
            # NaN wins, so that it reaches the result.
            wins = (other > best) | (other != other)
            best = tl.where(wins, other, best)
            which = tl.where(wins, float(number), which)
        best += shift
        tl.store(pooled + row * PIXELS + place, tl.where(best < 0, 0.0, best), mask=inside)
        tl.store(winner + row * PIXELS + place, which, mask=inside)


@triton.jit
def _pool_backward(
    slope, pooled, winner, response, bias, features, bias_stride, PIXELS: tl.constexpr, BLOCK: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    replica, feature = row // features, row % features
    corner = features * PIXELS
    goal = response + replica * 4 * corner + feature * PIXELS
    total = tl.zeros([BLOCK], tl.float32)
    for start in range(0, PIXELS, BLOCK):
        place = start + tl.arange(0, BLOCK)
        inside = place < PIXELS
        at = row * PIXELS + place
        activation = tl.load(pooled + at, mask=inside, other=0.0)
        passed = tl.load(slope + at, mask=inside, other=0.0)
        passed = tl.where(activation > 0, passed, 0.0)
        which = tl.load(winner + at, mask=inside, other=0.0)
        total += passed
        for number in tl.static_range(4):
            tl.store(goal + number * corner + place, tl.where(which == number, passed, 0.0), mask=inside)
    tl.store(bias + replica * bias_stride + feature, tl.sum(total))


@triton.jit
def _windows_adjoint(at_windows, at_pooled, BATCH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    source = at_windows + row * 900 * BATCH
    for start in range(0, 196 * BATCH, BLOCK):
        place = start + tl.arange(0, BLOCK)
        inside = place < 196 * BATCH
        image, x, y, parity = place % BATCH, place // BATCH % 7, place // (7 * BATCH) % 7, place // (49 * BATCH)
        total = tl.zeros([BLOCK], tl.float32)
        for down in tl.static_range(3):
            along = tl.zeros([BLOCK], tl.float32)
            for right in tl.static_range(3):
                pixel = ((down * 2 + parity // 2) * 3 + right) * 2 + parity % 2
                row_of, column_of = y - down, x - right
                there = inside & (row_of >= 0) & (row_of < 5) & (column_of >= 0) & (column_of < 5)
                at = ((pixel * 5 + row_of) * 5 + column_of) * BATCH + image
                along += tl.load(source + at, mask=there, other=0.0)
            total += along
        tl.store(at_pooled + row * 196 * BATCH + place, total, mask=inside)
