"""Measures the effect of the clip rule on a lane's gradients and updates at evaluations; see `stream.measures`.

The counterfactual optimizer is a copy of the lane's own that gets the raw gradients and never updates the parameters.
The difference between the update that it would have made and the one that was made is the effect of clipping, optimizer
state included. It is copied when the lane is first clipped; until then both are the same.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..clipping.nonfinite import without_nonfinite
from ..experiments.layout import Layout
from ..experiments.torchscript import compile_function
from ..optimizers.optimizer import CounterfactualOptimizer, Optimizer
from ..stream.measures import BINS, EDGE_CELLS, RECENT_STEPS, Histogram, Measure, cell_edge
from .layer_sums import (
    clip_sums,
    counterfactual_sums,
    gradient_sums,
    histogram_counts,
    update_sums,
)

_histogram_counts, _gradient_sums = compile_function(histogram_counts), compile_function(gradient_sums)
_clip_sums, _update_sums = compile_function(clip_sums), compile_function(update_sums)
_counterfactual_sums = compile_function(counterfactual_sums)


class ClipEffect:
    """Measures one lane: call `add_step` at every step, `measure` at an evaluation."""

    def __init__(self, layout: Layout, *, counterfactual: bool = True) -> None:
        """`counterfactual`: follow what the optimizer would have done without the rule, one more update a step."""
        self._names = tuple(layout.layers)
        self._ends = list(accumulate(layout.layers.values()))
        self._parts = [slice(start, end) for start, end in pairwise([0, *self._ends])]
        self._edges = torch.tensor(EDGE_CELLS) - EDGE_CELLS[0]
        self._recent: deque[bool] = deque(maxlen=RECENT_STEPS)
        self._steps = self._clipped_steps = 0
        self._follows_counterfactual = counterfactual
        self._counterfactual: CounterfactualOptimizer | None = None

    def start_counterfactual(self, optimizer: Optimizer) -> None:
        """Copy the lane's optimizer, unless there is a copy; call it before the first step that is clipped."""
        if self._follows_counterfactual and not self._counterfactual:
            self._counterfactual = optimizer.copy()

    def reset_counterfactual(self) -> None:
        """Reset the counterfactual optimizer's state; call it when the lane's optimizer is reset."""
        if self._counterfactual:
            self._counterfactual.reset()

    def set_counterfactual_rate(self, rate: float) -> None:
        """Set the counterfactual optimizer's learning rate; call it when the lane's optimizer gets another one."""
        if self._counterfactual:
            self._counterfactual.set_rate(rate)

    def add_step(self, raw: Tensor, clipped: bool) -> None:
        """Record a step's raw gradient, and whether the rule changed it; call it before the optimizer's step."""
        self._steps += 1
        self._clipped_steps += clipped
        self._recent.append(clipped)
        if self._counterfactual:
            self._counterfactual.update_state(raw)

    @property
    def share_clipped(self) -> float:
        """The share of all steps at which the rule changed the gradient."""
        return self._clipped_steps / self._steps if self._steps else 0.0

    @property
    def recent_share_clipped(self) -> float:
        """The share of the last 100 steps at which the rule changed the gradient."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    def measure(
        self, raw: Tensor, clipped: Tensor | None, before: Tensor, after: Tensor, learning_rate: float
    ) -> tuple[Measure, dict[str, Measure]]:
        """Measure a step by its flat gradients and the parameters before and after; return the total and each layer.

        `clipped` is `raw` itself if the rule changed nothing, None if no step was taken. NaN and infinity are counted;
        all other figures treat them as 0.
        """
        histograms, percentile_cells = self._histograms(raw)
        columns = self._gradient_columns(raw, clipped, finite=not (histograms[-1].nan or histograms[-1].inf))
        columns |= self._update_columns(before, after, stepped=clipped is not None)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        rows.append({name: _total(column) for name, column in columns.items()})
        measures = [
            _measure(row, histogram, cells, learning_rate)
            for row, histogram, cells in zip(rows, histograms, percentile_cells, strict=True)
        ]
        return measures[-1], dict(zip(self._names, measures[:-1], strict=True))

    def _histograms(self, raw: Tensor) -> tuple[list[Histogram], list[Sequence[int]]]:
        first, last = EDGE_CELLS[0], EDGE_CELLS[-1]
        rows = _histogram_counts(raw.view(torch.int32), self._ends, self._edges.to(raw.device), first, last).tolist()
        nonfinite = self._nonfinite(raw) if any(row[2] for row in rows) else [(0, 0)] * len(rows)
        histograms = [
            Histogram(counts=tuple(row[3 : 3 + BINS]), zero=row[0], under=row[1], over=row[2] - n - i, nan=n, inf=i)
            for row, (n, i) in zip(rows, nonfinite, strict=True)
        ]
        return histograms, [row[3 + BINS :] for row in rows]

    def _nonfinite(self, raw: Tensor) -> list[tuple[int, int]]:
        parts = [*torch.tensor_split(raw, self._ends[:-1]), raw]
        return [(int(part.isnan().sum()), int(part.isinf().sum())) for part in parts]

    def _gradient_columns(self, raw: Tensor, clipped: Tensor | None, *, finite: bool) -> dict[str, list[float]]:
        numbers = raw if finite else without_nonfinite(raw)
        if clipped is None or clipped is raw:
            (squares,) = _gradient_sums(numbers, self._ends).T.tolist()
            none = [0.0] * len(squares)
            used = none if clipped is None else squares
            return {"gg": squares, "cc": used, "gc": used, "changed": none}
        used = clipped if finite else without_nonfinite(clipped)
        sums = zip(("gg", "cc", "gc", "c1"), _clip_sums(numbers, used, self._ends).T.tolist(), strict=True)
        # numpy counts ten times as fast as torch.
        changed = np.not_equal(numbers.cpu().numpy(), used.cpu().numpy())
        if not finite:
            changed &= raw.isfinite().cpu().numpy()
        return {**dict(sums), "changed": [float(np.count_nonzero(changed[part])) for part in self._parts]}

    def _update_columns(self, before: Tensor, after: Tensor, *, stepped: bool) -> dict[str, list[float]]:
        sums = _update_sums(before, after, self._ends).T.tolist()
        columns: dict[str, list[float]] = dict(zip(("ww", "dd", "d1"), sums, strict=True))
        if self._counterfactual and stepped:
            update = self._counterfactual.parameter_update(before)
            sums = _counterfactual_sums(before, after, update, self._ends).T.tolist()
            columns |= dict(zip(("ss", "sd"), sums, strict=True))
        return columns

    @property
    def state(self) -> dict[str, Any]:
        """A copy of what later measures depend on: numbers and tensors by name."""
        counterfactual = {"shadow": dict(self._counterfactual.state)} if self._counterfactual else {}
        # A tensor, because a list is pickled element by element while the lanes wait.
        recent = torch.tensor(self._recent)
        return {"steps": self._steps, "engaged": self._clipped_steps, "recent": recent, **counterfactual}

    def restore(self, state: Mapping[str, Any], optimizer: Optimizer) -> None:
        """Set the state to one that `state` returned."""
        self._steps, self._clipped_steps = state["steps"], state["engaged"]
        # Old checkpoints hold a list.
        self._recent = deque(torch.as_tensor(state["recent"]).tolist(), maxlen=RECENT_STEPS)
        self._counterfactual = None
        if "shadow" in state and self._follows_counterfactual:
            self._counterfactual = optimizer.copy()
            self._counterfactual.restore(state["shadow"])


def _measure(sums: Mapping[str, float], histogram: Histogram, cells: Sequence[int], learning_rate: float) -> Measure:
    d = histogram.elements
    nonzero = histogram.finite - histogram.zero
    gg, cc, gc, dd, ww = (sums[name] for name in ("gg", "cc", "gc", "dd", "ww"))
    measure: dict[str, Any] = {}
    if "c1" in sums:
        measure["sign_cosine"] = _cosine(sums["c1"], nonzero, cc)
    if "ss" in sums:
        ss, sd = sums["ss"], sums["sd"]
        measure["shadow_cosine"] = _cosine(sd, ss, dd)
        measure["shadow_distance"] = _ratio(math.sqrt(max(0.0, dd - 2 * sd + ss)), math.sqrt(ss))
    return Measure(
        histogram=histogram,
        changed=round(sums["changed"]),
        norm=math.sqrt(gg),
        clipped_norm=math.sqrt(cc),
        cosine=_cosine(gc, gg, cc),
        update_ratio=_ratio(math.sqrt(dd), math.sqrt(ww)),
        step_size=_ratio(sums["d1"], d * learning_rate),
        percentiles=(_middle(cells[0]), _middle(cells[1]), _middle(cells[2])) if nonzero else None,
        **measure,
    )


def _total(column: Sequence[float]) -> float:
    """The exact sum over all layers, or a plain sum if a term is not finite, for which `fsum` would raise."""
    return math.fsum(column) if all(map(math.isfinite, column)) else sum(column)


def _middle(cell: int) -> float:
    return math.sqrt(cell_edge(cell) * cell_edge(cell + 1))


def _ratio(above: float, below: float) -> float | None:
    ratio = above / below if below else math.nan
    return ratio if math.isfinite(ratio) else None


def _cosine(product: float, one: float, other: float) -> float | None:
    cosine = _ratio(product, math.sqrt(one * other))
    return None if cosine is None else min(1.0, max(-1.0, cosine))
