"""Sums over the layers of a flat vector, for `clip_effect`, as functions that TorchScript can compile.

A layer is a contiguous part of the flat vector; `ends` are the indices where layers end. Sums of products are float64.
Sums of absolute values are torch's own, which adds in pairs and so stays exact for long vectors.
"""

from typing import List  # noqa: UP035 (TorchScript reads annotations at run time)

import torch
from torch import Tensor


def histogram_counts(bits: Tensor, ends: List[int], edges: Tensor, first: int, last: int) -> Tensor:  # noqa: UP006
    """Count float32s, given as bits, by their absolute value's upper 15 bits (a cell): (layers + 1, 3 + bins + 3).

    Columns: how many are 0, below all bins, above them or not finite; how many are in each bin; the cells of the 50th,
    90th and 99th percentile of the nonzero ones, clamped to [`first`, `last`], the cells where the bins begin and end.
    `edges` are the cells of the bins' edges minus `first`. The last row is the total.
    """
    cells = torch.bitwise_right_shift(bits.bitwise_and(0x7FFFFFFF), 17).clamp_(max=last)
    inside: List[Tensor] = []  # noqa: UP006
    outside: List[Tensor] = []  # noqa: UP006
    sizes: List[int] = []  # noqa: UP006
    start = 0
    for end in ends:
        fine = torch.bincount(cells[start:end], minlength=last + 1)
        inside.append(fine[first:last])
        outside += [fine[0], fine[last]]
        sizes.append(end - start)
        start = end
    outer, inner, size = torch.stack(outside).view(len(ends), 2), torch.stack(inside), torch.tensor(sizes)[:, None]
    outer, inner = torch.cat([outer, outer.sum(0, True)]), torch.cat([inner, inner.sum(0, True)])
    size = torch.cat([size, size.sum(0, True)]).to(bits.device)
    upto = torch.constant_pad_nd(inner.cumsum(1), [1, 0])
    nonzero = size - outer[:, :1]
    under = nonzero - outer[:, 1:] - upto[:, -1:]
    places = nonzero * torch.tensor([0.5, 0.9, 0.99], device=bits.device) - under
    found = torch.searchsorted(upto[:, 1:].float(), places.float()).clamp_(max=last - first - 1) + first
    return torch.cat([outer[:, :1], under, outer[:, 1:], upto.index_select(1, edges).diff(dim=1), found], 1)


def gradient_sums(raw: Tensor, ends: List[int]) -> Tensor:  # noqa: UP006
    """Σg² by layer, (layers, 1)."""
    sums: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        g = raw[start:end].double()
        sums.append(torch.dot(g, g))
        start = end
    return torch.stack(sums)[:, None]


def clip_sums(raw: Tensor, clipped: Tensor, ends: List[int]) -> Tensor:  # noqa: UP006
    """By layer Σg², Σĝ², Σgĝ, Σ|ĝ|: (layers, 4)."""
    size = clipped.abs()
    sums: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        g, c = raw[start:end].double(), clipped[start:end].double()
        sums += [torch.dot(g, g), torch.dot(c, c), torch.dot(g, c), torch.sum(size[start:end]).double()]
        start = end
    return torch.stack(sums).view(len(ends), 4)


def update_sums(before: Tensor, after: Tensor, ends: List[int]) -> Tensor:  # noqa: UP006
    """By layer Σw², Σ(Δw)², Σ|Δw|: (layers, 3)."""
    update = after - before
    size = update.abs()
    sums: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        w, d = after[start:end].double(), update[start:end].double()
        sums += [torch.dot(w, w), torch.dot(d, d), torch.sum(size[start:end]).double()]
        start = end
    return torch.stack(sums).view(len(ends), 3)


def counterfactual_sums(before: Tensor, after: Tensor, counterfactual: Tensor, ends: List[int]) -> Tensor:  # noqa: UP006
    """By layer Σs², ΣsΔw, for the counterfactual update s: (layers, 2)."""
    update = after - before
    sums: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        s, d = counterfactual[start:end].double(), update[start:end].double()
        sums += [torch.dot(s, s), torch.dot(s, d)]
        start = end
    return torch.stack(sums).view(len(ends), 2)
