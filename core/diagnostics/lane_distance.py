"""Compares lanes at evaluations of the same step: parameter distance and predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ..stream.events import LanesCompared, Notice
from .lane_pairs import LanePairs


class Distance(Protocol):
    """Receives what lanes are compared by, see `LaneDistance`."""

    def add(
        self, lane: str, step: int, parameters: Tensor, predictions: Tensor | None
    ) -> Iterator[LanesCompared | Notice]: ...


class _Point(NamedTuple):
    parameters: Tensor
    predictions: Tensor | None


class LaneDistance:
    """Compares every lane with the first one, and forks with their parents; thread-safe."""

    def __init__(self, lanes: Sequence[str]) -> None:
        self._pairs = LanePairs[_Point](lanes, _distance)
        self.add_fork = self._pairs.add_fork

    def add(
        self, lane: str, step: int, parameters: Tensor, predictions: Tensor | None
    ) -> Iterator[LanesCompared | Notice]:
        """Add a lane's flat parameters and predictions at an evaluation; yield the comparisons that this completes."""
        return self._pairs.add(lane, step, _Point(parameters.clone(), predictions), parameters.nbytes)


def _distance(one: _Point, other: _Point) -> dict[str, float]:
    distance = float(torch.linalg.vector_norm((one.parameters - other.parameters).double()))
    if one.predictions is None or other.predictions is None:
        return {"distance": distance}
    return {"distance": distance, "disagreement": float((one.predictions != other.predictions).double().mean())}
