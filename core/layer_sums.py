"""Sums over the layers of a flat vector, for `diagnostics`: functions of torch operations that TorchScript can compile.

A layer is a run of neighbours in the flat vector; `ends` are the places where layers end. Sums are float64.
"""

from typing import List  # noqa: UP035 (TorchScript reads annotations at run time)

import torch
from torch import Tensor


def census(bits: Tensor, ends: List[int], edges: Tensor, first: int, last: int) -> Tensor:  # noqa: UP006
    """The bits of float32s counted by their upper 15 bits, (layers + 1, 3 + bins + 3), the last row being the total.

    Columns: 0, below all bins, above them or not finite; each bin; the cells of the nonzero ones' 50th, 90th and 99th
    percentiles, held within [`first`, `last`], the cells where the bins begin and end. `edges` count from `first`.
    """
    cells = torch.bitwise_right_shift(bits.bitwise_and(0x7FFFFFFF), 17).clamp_(max=last)
    rows: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        rows.append(torch.bincount(cells[start:end], minlength=last + 1))
        start = end
    fine = torch.stack(rows)
    fine = torch.cat([fine, fine.sum(0, keepdim=True)])
    zero, over = fine[:, 0], fine[:, last]
    inside = torch.cumsum(fine[:, first:last], 1)
    whole = torch.tensor(ends, device=bits.device).diff(prepend=torch.zeros(1, dtype=torch.long, device=bits.device))
    under = torch.cat([whole, whole.sum(0, keepdim=True)]) - zero - over - inside[:, -1]
    upto = torch.cat([torch.zeros_like(inside[:, :1]), inside], 1).index_select(1, edges)
    places = (inside[:, -1] + under + over)[:, None] * torch.tensor([0.5, 0.9, 0.99], device=bits.device)
    found = torch.searchsorted((inside + under[:, None]).double(), places.double()).clamp_(max=last - first - 1) + first
    return torch.cat([torch.stack([zero, under, over], 1), upto.diff(dim=1), found], 1)


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
    """By layer Σg², Σĝ², Σgĝ, Σ|ĝ|, and how many ĝ differ from g, how many are not 0: (layers, 6)."""
    changed, kept = torch.ne(raw, clipped).float(), torch.ne(clipped, 0.0).float()
    sums: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        g, c = raw[start:end].double(), clipped[start:end].double()
        sums += [torch.dot(g, g), torch.dot(c, c), torch.dot(g, c), torch.sum(c.abs())]
        sums += [torch.sum(changed[start:end]).double(), torch.sum(kept[start:end]).double()]
        start = end
    return torch.stack(sums).view(len(ends), 6)


def update_sums(before: Tensor, after: Tensor, ends: List[int]) -> Tensor:  # noqa: UP006
    """By layer Σw², Σ(Δw)², Σ|Δw|: (layers, 3)."""
    update = after - before
    sums: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        w, d = after[start:end].double(), update[start:end].double()
        sums += [torch.dot(w, w), torch.dot(d, d), torch.sum(d.abs_())]
        start = end
    return torch.stack(sums).view(len(ends), 3)


def shadow_sums(before: Tensor, after: Tensor, shadow: Tensor, ends: List[int]) -> Tensor:  # noqa: UP006
    """By layer Σs², ΣsΔw, for an update s that was not made: (layers, 2)."""
    update = after - before
    sums: List[Tensor] = []  # noqa: UP006
    start = 0
    for end in ends:
        s, d = shadow[start:end].double(), update[start:end].double()
        sums += [torch.dot(s, s), torch.dot(s, d)]
        start = end
    return torch.stack(sums).view(len(ends), 2)
