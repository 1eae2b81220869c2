"""What the clip does to a lane's gradients and updates, measured at evaluations; what each figure is, `measures` says.

The shadow is an optimizer like the lane's own that is fed the raw gradients and never applied: the update that it
would have made, beside the one that was made, is what clipping changed, its memory included. It is made when the lane
is first clipped, until when both are the same.
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
from ..experiments.torchscript import unlocked
from ..optimizers.optimizer import Optimizer
from ..stream.measures import BINS, EDGE_CELLS, Histogram, Measure, cell_edge
from .layer_sums import census, clip_sums, gradient_sums, shadow_sums, update_sums

# Steps that the recent engagement is a share of.
RECENT = 100

_census, _gradient_sums, _clip_sums = unlocked(census), unlocked(gradient_sums), unlocked(clip_sums)
_update_sums, _shadow_sums = unlocked(update_sums), unlocked(shadow_sums)


class ClipEffect:
    """One lane's: `stepped` at every step, `measure` at an evaluation."""

    def __init__(self, layout: Layout, learning_rate: float) -> None:
        self._names = tuple(layout.layers)
        self._ends = list(accumulate(layout.layers.values()))
        self._parts = [slice(start, end) for start, end in pairwise([0, *self._ends])]
        self._learning_rate = learning_rate
        self._edges = torch.tensor(EDGE_CELLS) - EDGE_CELLS[0]
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._steps = self._engaged = 0
        self._shadow: Optimizer | None = None

    def clips(self, optimizer: Optimizer) -> None:
        """The lane will be clipped from now on; its optimizer has seen nothing but raw gradients, or is shadowed."""
        self._shadow = self._shadow or optimizer.fork()

    def reset(self) -> None:
        """The lane's optimizer begins anew, and so does its shadow."""
        if self._shadow:
            self._shadow.reset()

    def stepped(self, raw: Tensor, engaged: bool) -> None:
        """Take in one step's raw gradient, and whether the rule changed it."""
        self._steps += 1
        self._engaged += engaged
        self._recent.append(engaged)
        if self._shadow:
            self._shadow.absorb(raw)

    @property
    def engaged(self) -> float:
        """Share of all steps in which the rule changed anything."""
        return self._engaged / self._steps if self._steps else 0.0

    @property
    def engaged_recently(self) -> float:
        """The same of the last 100 steps."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    def measure(
        self, raw: Tensor, clipped: Tensor | None, before: Tensor, after: Tensor
    ) -> tuple[Measure, dict[str, Measure]]:
        """All layers together, and each: flat gradients raw and as used, parameters before and after the step.

        `clipped` is `raw` itself where the rule changed nothing, None where no step was taken. NaN and infinity are
        counted, and 0 to every other figure.
        """
        histograms, places = self._histograms(raw)
        columns = self._gradient_columns(raw, clipped, finite=not (histograms[-1].nan or histograms[-1].inf))
        columns |= self._update_columns(before, after, stepped=clipped is not None)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        rows.append({name: _total(column) for name, column in columns.items()})
        measures = [
            _measure(row, histogram, cells, self._learning_rate)
            for row, histogram, cells in zip(rows, histograms, places, strict=True)
        ]
        return measures[-1], dict(zip(self._names, measures[:-1], strict=True))

    def _histograms(self, raw: Tensor) -> tuple[list[Histogram], list[Sequence[int]]]:
        first, last = EDGE_CELLS[0], EDGE_CELLS[-1]
        rows = _census(raw.view(torch.int32), self._ends, self._edges.to(raw.device), first, last).tolist()
        broken = self._nonfinite(raw) if any(row[2] for row in rows) else [(0, 0)] * len(rows)
        histograms = [
            Histogram(counts=tuple(row[3 : 3 + BINS]), zero=row[0], under=row[1], over=row[2] - n - i, nan=n, inf=i)
            for row, (n, i) in zip(rows, broken, strict=True)
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
        update = _update_sums(before, after, self._ends).T.tolist()
        columns: dict[str, list[float]] = dict(zip(("ww", "dd", "d1"), update, strict=True))
        if self._shadow and stepped:
            shadow = _shadow_sums(before, after, self._shadow.update(), self._ends).T.tolist()
            columns |= dict(zip(("ss", "sd"), shadow, strict=True))
        return columns

    @property
    def state(self) -> dict[str, Any]:
        """A copy of all that later measures depend on: numbers and tensors by name."""
        shadow = {"shadow": dict(self._shadow.state)} if self._shadow else {}
        # A list would be pickled entry by entry, while the lanes wait.
        return {"steps": self._steps, "engaged": self._engaged, "recent": torch.tensor(self._recent), **shadow}

    def restore(self, state: Mapping[str, Any], optimizer: Optimizer) -> None:
        """Go on from a `state`."""
        self._steps, self._engaged = state["steps"], state["engaged"]
        # Checkpoints of before held a list.
        self._recent = deque(torch.as_tensor(state["recent"]).tolist(), maxlen=RECENT)
        self._shadow = None
        if "shadow" in state:
            self._shadow = optimizer.fork()
            self._shadow.restore(state["shadow"])


def _measure(sums: Mapping[str, float], histogram: Histogram, cells: Sequence[int], learning_rate: float) -> Measure:
    d = histogram.components
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
    """The sum of all layers; exact, unless one of them is beyond counting, where `fsum` would raise."""
    return math.fsum(column) if all(map(math.isfinite, column)) else sum(column)


def _middle(cell: int) -> float:
    return math.sqrt(cell_edge(cell) * cell_edge(cell + 1))


def _ratio(above: float, below: float) -> float | None:
    ratio = above / below if below else math.nan
    return ratio if math.isfinite(ratio) else None


def _cosine(product: float, one: float, other: float) -> float | None:
    cosine = _ratio(product, math.sqrt(one * other))
    return None if cosine is None else min(1.0, max(-1.0, cosine))
