"""Every training step of a lane in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .event_table import Integers, StepLogs


@dataclass(frozen=True, eq=False)
class LaneSteps:
    """The logged steps of a lane, ascending, each once. `places`: the index of each step's event among all events.

    `losses` are those of the training batches, `norms` ‖g‖ and `clipped_norms` ‖ĝ‖; see `StepsTrained`. `metrics` are
    the other values by series, NaN where there is none.
    """

    places: Integers
    steps: Integers
    losses: NDArray[np.float32]
    norms: NDArray[np.float32]
    clipped_norms: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    metrics: dict[str, NDArray[np.float32]]

    @property
    def series(self) -> dict[str, NDArray[np.float32]]:
        """The values by series, as in `step_values`."""
        parts = {"train-loss": self.losses, "grad-norm": self.norms, "clipped-norm": self.clipped_norms}
        return {**parts, **self.metrics}

    def shares_clipped(self, ends: Integers) -> NDArray[np.float32]:
        """The share of steps clipped up to each of these ascending steps since the one before. NaN: none is logged."""
        at = np.searchsorted(self.steps, ends, "right")
        counts = np.diff(at, prepend=0)
        clipped = np.diff(np.append(0, np.cumsum(self.clipped))[at], prepend=0)
        return (clipped / np.where(counts, counts, np.nan)).astype(np.float32)


def lane_steps(logs: StepLogs, lane: str) -> LaneSteps:
    """The steps of a lane. Of a step that a resumed run logged twice, the first values count."""
    rows = logs.of(lane)
    rows = rows[np.argsort(logs.steps[rows], kind="stable")]
    begins = np.append(0, logs.ends[:-1])[rows]
    counts = logs.ends[rows] - begins
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    at = np.repeat(begins, counts) + within
    steps = np.repeat(logs.steps[rows] - counts + 1, counts) + within
    fresh = np.ones(len(steps), np.bool_)
    fresh[1:] = steps[1:] > np.maximum.accumulate(steps)[:-1]
    at, places = at[fresh], np.repeat(logs.places[rows], counts)[fresh]
    metrics = {name: values[fresh] for name, values in _metrics(logs, rows, counts).items()}
    values = (logs.losses[at], logs.norms[at], logs.clipped_norms[at], logs.clipped[at])
    return LaneSteps(places, steps[fresh], *values, metrics)


def _metrics(logs: StepLogs, rows: Integers, counts: Integers) -> dict[str, NDArray[np.float32]]:
    """The metrics of these rows, which have so many steps each."""
    of_rows = [logs.metrics[row] for row in rows]
    names = dict.fromkeys(name for metrics in of_rows for name in metrics)
    found = dict[str, NDArray[np.float32]]()
    for name in names:
        parts = [
            np.frombuffer(metrics[name], "<f4") if name in metrics else np.full(count, np.nan, np.float32)
            for metrics, count in zip(of_rows, counts.tolist(), strict=True)
        ]
        found[name] = np.concatenate(parts)
    return found
