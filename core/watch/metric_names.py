"""The series of the metrics that a loop gives by any name."""

from __future__ import annotations

import re
from collections.abc import Collection

# Series that every run has, or can have; see `stream.series`.
_TAKEN = {
    "loss",
    "train-loss",
    "accuracy",
    "grad-norm",
    "clipped-norm",
    "clipped",
    "cosine",
    "step-size",
    "update-ratio",
    "sign-cosine",
    "counterfactual-cosine",
    "counterfactual-distance",
    "dead-outputs",
    "dead-units",
    "distance",
    "disagreement",
}


def series_name(metric: str, taken: Collection[str], *, of_step: bool) -> str:
    """The series of a metric of training steps or of evaluations; `taken` are those of the loop's other metrics."""
    series = re.sub(r"[^\w.+]+|_+", "-", metric.lower()).strip("-") or "metric"
    if of_step and (series == "accuracy" or series in taken):
        series = f"train-{series}"
    while series in _TAKEN or series in taken:
        series = f"own-{series}"
    return series
