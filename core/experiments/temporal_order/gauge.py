"""Measures why a recurrent network stops learning: saturated units, and how far it can amplify its own state."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...stream.events import LaneEvent
from .network import RecurrentEvaluation


def spectral_radius(matrix: Tensor) -> float:
    """The largest magnitude of an eigenvalue; NaN if the matrix has an element that is not finite."""
    if not matrix.isfinite().all():
        return math.nan
    return torch.linalg.eigvals(matrix.cpu()).abs().max().item()


class SaturationGauge:
    """See `Gauge`. Reads the evaluation and the recurrent weights of one lane's network, and keeps no state."""

    def __init__(self, recurrent: Tensor) -> None:
        self._recurrent = recurrent

    def add_evaluation(self, lane: str, step: int, evaluation: RecurrentEvaluation) -> Iterator[LaneEvent]:
        """No events: saturation comes and goes by degrees."""
        return iter(())

    def read(self, evaluation: RecurrentEvaluation) -> dict[str, Any]:
        """The share of saturated states in the evaluation, and the spectral radius of the recurrent weights."""
        radius = spectral_radius(self._recurrent)
        return {"gauge": {"saturated": evaluation.saturated, "spectral-radius": radius}}

    def final(self, evaluation: RecurrentEvaluation) -> dict[str, Any]:
        """Nothing: `LaneFinished` has no field for saturation."""
        return {}

    @property
    def state(self) -> None:
        """There is none."""

    def restore(self, state: Any) -> None:
        """Nothing to do, as there is no state."""
