"""The series of a run: numbers by step and lane, under the names that charts, exports and replays use.

`loss`, `accuracy` and other metrics are those of the validation batches. `distance` and `disagreement` compare a lane
with the first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .events import Diagnosed, Evaluated, HistogramsEarlier, LaneFinished, LanesCompared, StepsTrained
from .measures import BINS

Floats = NDArray[np.float32]


class StepValues(NamedTuple):
    """The values of a `StepsTrained` by series, one for each step from `first` on, and whether each was clipped.

    NaN stands for a value that a watched loop did not give, too, see `are_given`.
    """

    first: int
    series: dict[str, Floats]
    clipped: NDArray[np.bool_]

    def after(self, step: int) -> StepValues:
        """The values of later steps only: a resumed run trains steps again that are recorded already."""
        known = max(0, step + 1 - self.first)
        if not known:
            return self
        series = {name: values[known:] for name, values in self.series.items()}
        return StepValues(self.first + known, series, self.clipped[known:])


def step_values(event: StepsTrained) -> StepValues:
    """The values of an event by step."""
    parts = {"train-loss": event.losses, "grad-norm": event.norms, "clipped-norm": event.clipped_norms, **event.metrics}
    series = {name: np.frombuffer(part, "<f4") for name, part in parts.items()}
    return StepValues(event.step + 1 - len(event.clipped), series, np.frombuffer(event.clipped, np.bool_))


def are_given(values: Floats, norms: Floats) -> NDArray[np.bool_]:
    """Which values of steps with these gradient norms a loop gave. Where the norm is finite, NaN means that it did not.

    A loss that is NaN makes the gradient NaN.
    """
    return ~np.isnan(values) | ~np.isfinite(norms)


def evaluated_values(event: Evaluated) -> dict[str, float]:
    """The values of an evaluation by series."""
    values = {"loss": event.loss, **event.metrics}
    return values if event.accuracy is None else {**values, "accuracy": event.accuracy}


def final_values(event: LaneFinished) -> dict[str, float]:
    """The values on all validation examples by series."""
    values = {"loss": event.loss, **event.metrics}
    return values if event.accuracy is None else {**values, "accuracy": event.accuracy}


def diagnosed_values(event: Diagnosed) -> dict[str, float]:
    """The values of a measurement by series; undefined ones are left out."""
    total = event.total
    values = {
        "clipped": total.clipped_share,
        "cosine": total.cosine,
        "step-size": total.step_size,
        "update-ratio": total.update_ratio,
        "sign-cosine": total.sign_cosine,
        "counterfactual-cosine": total.shadow_cosine,
        "counterfactual-distance": total.shadow_distance,
    }
    if event.dead:
        values["dead-outputs"] = float(len(event.dead_outputs))
        values["dead-units"] = float(sum(count for layer, count in event.dead.items() if layer != "outputs"))
    return {name: value for name, value in values.items() if value is not None} | event.gauge


def compared_values(event: LanesCompared) -> dict[str, float]:
    """The values of a comparison by series. They belong to the second lane."""
    values = {"distance": event.distance}
    return values if event.disagreement is None else {**values, "disagreement": event.disagreement}


def earlier_histograms(event: HistogramsEarlier) -> NDArray[np.uint32]:
    """The counts of an event, a row for each step: the zeros, then the bins."""
    return np.frombuffer(event.counts, "<u4").reshape(-1, 1 + BINS)
