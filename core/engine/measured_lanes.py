"""Compares lanes that train in processes of their own, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..diagnostics.lane_pairs import LanePairs
from ..stream.events import LanesCompared, Notice


class _Point(NamedTuple):
    parameters: NDArray[np.floating]
    predictions: NDArray[np.generic] | None


class MeasuredLanes:
    """Compares every lane with the first one, as `LaneDistance` does in a process that has torch; thread-safe."""

    def __init__(self, lanes: Sequence[str]) -> None:
        self._pairs = LanePairs[_Point](lanes, _distance)
        self.add_fork = self._pairs.add_fork

    def add(
        self,
        lane: str,
        step: int,
        parameters: NDArray[np.floating],
        predictions: NDArray[np.generic] | None,
    ) -> Iterator[LanesCompared | Notice]:
        """Add a lane's flat parameters and predictions at an evaluation; yield the comparisons that this completes."""
        return self._pairs.add(lane, step, _Point(parameters, predictions), parameters.nbytes)


def _distance(one: _Point, other: _Point) -> dict[str, float]:
    difference = (one.parameters - other.parameters).astype(np.float64)
    # Not `np.linalg.norm`: the threads of its library wait busily, which takes a core from a lane.
    distance = math.sqrt(np.square(difference).sum())
    if one.predictions is None or other.predictions is None:
        return {"distance": distance}
    return {"distance": distance, "disagreement": float(np.mean(one.predictions != other.predictions))}
