"""Compares each lane with the first one at evaluations of the same step: parameter distance and predictions."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..stream.events import LanesCompared

# Lanes that are more than this many measurements apart are not compared, because each waiting one holds a copy of the
# parameters.
MAX_WAITING = 64


class _Point(NamedTuple):
    parameters: Tensor
    predictions: Tensor | None


class LaneDistance:
    """Compares every lane with the first one; thread-safe.

    The lane that reaches a step first leaves a copy of its parameters for the other, in `_waiting` by (lane, other
    lane, step).
    """

    def __init__(self, lanes: Sequence[str]) -> None:
        self._first = lanes[0]
        self._waiting: dict[tuple[str, str, int], _Point] = {}
        self._others = tuple(lanes[1:])
        self._lock = threading.Lock()

    def add(self, lane: str, step: int, parameters: Tensor, predictions: Tensor | None) -> Iterator[LanesCompared]:
        """Add a lane's flat parameters and predictions at an evaluation; yield the comparisons that this completes."""
        point = _Point(parameters.clone(), predictions)
        partners = self._others if lane == self._first else (self._first,)
        with self._lock:
            found = {other: self._waiting.pop((other, lane, step), None) for other in partners}
            self._keep(lane, step, point, [other for other, theirs in found.items() if theirs is None])
        for other, theirs in found.items():
            if theirs:
                pair = (lane, other) if lane == self._first else (other, lane)
                yield LanesCompared(step=step, lanes=pair, **_distance(point, theirs))

    def _keep(self, lane: str, step: int, point: _Point, others: Sequence[str]) -> None:
        for other in others:
            self._waiting[lane, other, step] = point
        while len(self._waiting) > MAX_WAITING * max(1, len(self._others)):
            del self._waiting[next(iter(self._waiting))]


def _distance(one: _Point, other: _Point) -> dict[str, float]:
    distance = float(torch.linalg.vector_norm((one.parameters - other.parameters).double()))
    if one.predictions is None or other.predictions is None:
        return {"distance": distance}
    return {"distance": distance, "disagreement": float((one.predictions != other.predictions).double().mean())}
