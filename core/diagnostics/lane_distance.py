"""How far apart the lanes are: the first at an evaluation leaves its weights for the others to measure against."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..stream.events import LanesCompared

# Lanes further apart than so many measurements are not compared: every one that waits holds its weights.
WAITING = 64


class _Left(NamedTuple):
    parameters: Tensor
    answers: Tensor


class LaneDistance:
    """Measures every lane against the first one, at evaluations of the same step; thread-safe.

    `_waiting` holds what lane a left for lane b at a step, by (a, b, step).
    """

    def __init__(self, lanes: Sequence[str]) -> None:
        self._first = lanes[0]
        self._waiting: dict[tuple[str, str, int], _Left] = {}
        self._others = tuple(lanes[1:])
        self._guard = threading.Lock()

    def meet(self, lane: str, step: int, parameters: Tensor, answers: Tensor) -> Iterator[LanesCompared]:
        """Leave a lane's flat weights and its answers to the validation batch; what can be compared with them now."""
        mine = _Left(parameters.clone(), answers)
        partners = self._others if lane == self._first else (self._first,)
        with self._guard:
            met = {other: self._taken(lane, other, step) for other in partners}
            self._leave(lane, step, mine, [other for other, theirs in met.items() if theirs is None])
        for other, theirs in met.items():
            if theirs:
                pair = (lane, other) if lane == self._first else (other, lane)
                yield LanesCompared(step=step, lanes=pair, **_measured(mine, theirs))

    def _taken(self, lane: str, other: str, step: int) -> _Left | None:
        return self._waiting.pop((other, lane, step), None)

    def _leave(self, lane: str, step: int, mine: _Left, others: Sequence[str]) -> None:
        for other in others:
            self._waiting[lane, other, step] = mine
        while len(self._waiting) > WAITING * max(1, len(self._others)):
            del self._waiting[next(iter(self._waiting))]


def _measured(one: _Left, other: _Left) -> dict[str, float]:
    difference = (one.parameters - other.parameters).double()
    return {
        "distance": float(torch.linalg.vector_norm(difference)),
        "disagreement": float((one.answers != other.answers).double().mean()),
    }
